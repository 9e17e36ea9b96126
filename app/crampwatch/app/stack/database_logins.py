"""Logins of the stack's databases: in InfluxDB 2 one token per service, with no more rights than the service needs.

Uses the InfluxDB 2 API (https://docs.influxdata.com/influxdb/v2/api/) and Grafana's
(https://grafana.com/docs/grafana/latest/developers/http_api/user/).
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import urllib3
from crampwatch.protocol.errors import UnavailableError
from influxdb_client.client.influxdb_client import InfluxDBClient
from influxdb_client.domain.authorization import Authorization
from influxdb_client.domain.dbrp_create import DBRPCreate
from influxdb_client.domain.permission import Permission
from influxdb_client.domain.permission_resource import PermissionResource
from influxdb_client.rest import ApiException
from influxdb_client.service.dbr_ps_service import DBRPsService

__all__ = ["LOGINS", "GrafanaAdmin", "InfluxAdmin"]

LOGINS: Final = {
    "store": ("read", "write"),
    "web": ("read",),
    "finaliser": ("read",),
    "backup": ("read",),
    "grafana": ("read",),
}
"""What each login may do with the bucket; nothing else is permitted. deploy/influxdb-logins.sh creates the same ones at
the first start."""
_TIMEOUT_MS: Final = 10_000
_ADMIN: Final = "admin"


class InfluxAdmin:
    """The administrator of an InfluxDB 2.

    Every call raises UnavailableError where the database cannot be reached or refuses.

    Args:
        url: Of the database.
        token: The administrator's token.
        org: Organisation.
        bucket: The bucket that the logins are for.
    """

    def __init__(self, url: str, *, token: str, org: str, bucket: str) -> None:
        self._url = url
        self._org = org
        self._bucket = bucket
        self._token = token
        self._client = InfluxDBClient(url, token=token, org=org, timeout=_TIMEOUT_MS)
        self._authorizations = self._client.authorizations_api()

    def create_token(self, name: str) -> str:
        """Create a token for one of `LOGINS` and return it; earlier ones are valid until `revoke_others`."""
        with self._database_errors():
            bucket = self._client.buckets_api().find_bucket_by_name(self._bucket)
            if bucket is None:
                raise UnavailableError(
                    f"InfluxDB at {self._url} has no bucket {self._bucket!r}.",
                    advice="Create the bucket, or start the database from docker-compose.yml.",
                )
            resource = PermissionResource(type="buckets", id=bucket.id, org_id=bucket.org_id)
            rights = [Permission(action=action, resource=resource) for action in LOGINS[name]]
            return self._create(Authorization(org_id=bucket.org_id, permissions=rights, description=_description(name)))

    def revoke_others(self, name: str, token: str) -> None:
        """Revoke all tokens of a login but one."""
        with self._database_errors():
            for one in self._authorizations.find_authorizations(org=self._org):
                if one.description == _description(name) and one.token != token:
                    self._authorizations.delete_authorization(one)

    def map_bucket_for_influxql(self) -> None:
        """Make the bucket available to InfluxQL under its own name, unless it is already."""
        with self._database_errors():
            service = DBRPsService(self._client.api_client)
            if service.get_dbr_ps(org=self._org, db=self._bucket).content:
                return
            bucket = self._client.buckets_api().find_bucket_by_name(self._bucket)
            wanted = DBRPCreate(
                org_id=bucket.org_id,
                bucket_id=bucket.id,
                database=self._bucket,
                retention_policy="autogen",
                default=True,
            )
            service.post_dbrp(dbrp_create=wanted)

    def renew_token(self) -> str:
        """Create and return a token with the administrator's rights; the old one is valid until `revoke_own_token`."""
        with self._database_errors():
            own = self._own_authorization()
            return self._create(
                Authorization(org_id=own.org_id, permissions=own.permissions, description="crampwatch administrator")
            )

    def revoke_own_token(self) -> None:
        """Revoke the token with which this object was created."""
        with self._database_errors():
            self._authorizations.delete_authorization(self._own_authorization())

    def set_password(self, password: str) -> None:
        """Set the administrator's password."""
        with self._database_errors():
            users = self._client.users_api()
            user = next(one for one in users.find_users(name=_ADMIN).users if one.name == _ADMIN)
            users.update_password(user, password)

    def close(self) -> None:
        """Close connections."""
        self._client.close()

    def _create(self, wanted: Authorization) -> str:
        return str(self._authorizations.create_authorization(authorization=wanted).token)

    def _own_authorization(self) -> Any:
        found = self._authorizations.find_authorizations(org=self._org)
        return next(one for one in found if one.token == self._token)

    @contextmanager
    def _database_errors(self) -> Iterator[None]:
        try:
            yield
        except ApiException as error:
            raise UnavailableError(
                f"InfluxDB at {self._url} answers {error.status}: {error.reason}.",
                advice="Check that secrets/influxdb-admin-token is its administrator's token.",
            ) from error
        except (urllib3.exceptions.HTTPError, OSError) as error:
            raise UnavailableError(
                f"InfluxDB at {self._url} cannot be reached: {error}.", advice="Start the services first."
            ) from error
        except StopIteration as error:
            raise UnavailableError(
                f"InfluxDB at {self._url} does not list its administrator.",
                advice="It must be an InfluxDB 2, set up by docker-compose.yml.",
            ) from error


class GrafanaAdmin:
    """The administrator of a Grafana.

    Args:
        url: Of the Grafana.
        password: The present password of the user ``admin``.
    """

    def __init__(self, url: str, password: str) -> None:
        self._url = url.rstrip("/")
        self._password = password

    def set_password(self, password: str) -> None:
        """Set the administrator's password.

        Raises:
            UnavailableError: Grafana cannot be reached, or refuses.
        """
        headers = urllib3.make_headers(basic_auth=f"{_ADMIN}:{self._password}")
        wanted = {"oldPassword": self._password, "newPassword": password, "confirmNew": password}
        try:
            answer = urllib3.request(
                "PUT", f"{self._url}/api/user/password", json=wanted, headers=headers, timeout=10.0, retries=False
            )
        except urllib3.exceptions.HTTPError as error:
            raise UnavailableError(
                f"Grafana at {self._url} cannot be reached: {error}.", advice="Start the services first."
            ) from error
        if answer.status != 200:
            raise UnavailableError(
                f"Grafana at {self._url} answers {answer.status}.",
                advice="Check that secrets/grafana-admin-password is its administrator's password.",
            )


def _description(name: str) -> str:
    return f"crampwatch {name}"
