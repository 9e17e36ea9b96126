# The image of all crampwatch services, and that of the database. docs/stack.md explains how to run them.
# Each tag is one release; what pip installs is pinned by hash in requirements/. For amd64 and arm64.

FROM python:3.11.13-slim-bookworm AS build
WORKDIR /src
COPY requirements/build.txt requirements/runtime.txt requirements/
COPY deploy/install deploy/install
# The pins first, so that a change of the source does not rebuild this layer.
RUN sh deploy/install pins /opt/crampwatch
COPY . .
RUN sh deploy/install program /opt/crampwatch

FROM python:3.11.13-slim-bookworm AS crampwatch
COPY --from=build /opt/crampwatch /opt/crampwatch
# Writable by any user that the container runs as; the volume that is mounted here inherits this.
RUN install -d -m 0777 /data
ENV PATH=/opt/crampwatch/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    CRAMPWATCH_DATA=/data \
    CRAMPWATCH_LOG_FORMAT=json \
    CRAMPWATCH_WEB_BROWSER=false
USER 1000:1000
ENTRYPOINT ["crampwatch"]
CMD ["--help"]

FROM influxdb:2.7.12-alpine AS database
# As above: the original image lets only the user 1000 write.
RUN chmod 0777 /var/lib/influxdb2 /etc/influxdb2
COPY --chmod=0755 deploy/influxdb-logins.sh /docker-entrypoint-initdb.d/
USER 1000:1000
