"""Who may do what in the stack's databases: a token each in InfluxDB 2, with no more rights than that one needs.

By the InfluxDB 2 API (https://docs.influxdata.com/influxdb/v2/api/) and Grafana's
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
"""Names and what each may do with the bucket, and with nothing else; deploy/influxdb-logins.sh makes the same first."""
_TIMEOUT_MS: Final = 10_000
_ADMIN: Final = "admin"


class InfluxAdmin:
    """InfluxDB 2, as its administrator.

    Args:
        url: Its address.
        token: The administrator's.
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

    def grant(self, name: str) -> str:
        """Make a new token for one of `LOGINS`; return it. Earlier ones are good until `withdraw_but`.

        Raises:
            UnavailableError: The database cannot be reached, or refuses.
        """
        with self._told():
            bucket = self._client.buckets_api().find_bucket_by_name(self._bucket)
            if bucket is None:
                raise UnavailableError(f"InfluxDB at {self._url} has no bucket {self._bucket!r}.", advice="Create it.")
            resource = PermissionResource(type="buckets", id=bucket.id, org_id=bucket.org_id)
            rights = [Permission(action=action, resource=resource) for action in LOGINS[name]]
            return self._created(Authorization(org_id=bucket.org_id, permissions=rights, description=_mark(name)))

    def withdraw_but(self, name: str, token: str) -> None:
        """Withdraw the tokens made for a login, all but one.

        Raises:
            UnavailableError: The database cannot be reached, or refuses.
        """
        with self._told():
            for one in self._authorizations.find_authorizations(org=self._org):
                if one.description == _mark(name) and one.token != token:
                    self._authorizations.delete_authorization(one)

    def map_bucket(self) -> None:
        """Let InfluxQL find the bucket by its name, where it does not yet.

        Raises:
            UnavailableError: The database cannot be reached, or refuses.
        """
        with self._told():
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
        """Make another token with the administrator's own rights; return it. The old one is good until `withdraw`.

        Raises:
            UnavailableError: The database cannot be reached, or refuses.
        """
        with self._told():
            own = self._own()
            return self._created(
                Authorization(org_id=own.org_id, permissions=own.permissions, description="crampwatch administrator")
            )

    def withdraw(self) -> None:
        """Withdraw the token this was made with.

        Raises:
            UnavailableError: The database cannot be reached, or refuses.
        """
        with self._told():
            self._authorizations.delete_authorization(self._own())

    def set_password(self, password: str) -> None:
        """Give the administrator another password.

        Raises:
            UnavailableError: The database cannot be reached, or refuses.
        """
        with self._told():
            users = self._client.users_api()
            user = next(one for one in users.find_users(name=_ADMIN).users if one.name == _ADMIN)
            users.update_password(user, password)

    def close(self) -> None:
        """Close connections."""
        self._client.close()

    def _created(self, wanted: Authorization) -> str:
        return str(self._authorizations.create_authorization(authorization=wanted).token)

    def _own(self) -> Any:
        found = self._authorizations.find_authorizations(org=self._org)
        return next(one for one in found if one.token == self._token)

    @contextmanager
    def _told(self) -> Iterator[None]:
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
                f"InfluxDB at {self._url} does not show its administrator.",
                advice="It has to be InfluxDB 2, set up by docker-compose.yml.",
            ) from error


class GrafanaAdmin:
    """Grafana, as its administrator.

    Args:
        url: Its address.
        password: Of the user ``admin``.
    """

    def __init__(self, url: str, password: str) -> None:
        self._url = url.rstrip("/")
        self._password = password

    def set_password(self, password: str) -> None:
        """Give the administrator another password.

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


def _mark(name: str) -> str:
    return f"crampwatch {name}"
