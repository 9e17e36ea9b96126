"""A virtual Bluetooth LE controller: that of Bumble, with the timing of a radio.

Differences from :class:`bumble.controller.Controller` (0.0.236), and why:

- a packet is reported complete when the other side has acknowledged it, so that a host is throttled; Bumble reports
  it at once;
- connections carry their own addresses and run over :class:`~crampwatch.firmware_sim.radio.link.AirLink`; Bumble's
  link sends with the random address of the controller whatever the connection uses;
- advertising intervals are in the units of HCI and jittered; scan responses are delivered, to active scanners only;
- data length 251, Read RSSI, Set Data Length, a cancel that completes and a reset that resets;
- packets are not formatted for a log that is off.
"""

import asyncio
import logging
from abc import ABC, abstractmethod
from typing import Final

from bumble import hci, ll
from bumble.controller import Connection, Controller, LegacyAdvertiser
from bumble.core import PhysicalTransport
from bumble.link import LocalLink
from crampwatch.firmware_sim.radio.link import AclPdu, AirLink, AirPdu, LinkTiming
from crampwatch.firmware_sim.radio.link_layer import AirPath, Side

__all__ = ["AirConnection", "AirController", "AirMedium"]

_log = logging.getLogger(__name__)

_FIRST_FLUSHABLE: Final = 2
_CONTINUATION: Final = 1
_LONGEST_PDU: Final = 251
_LONGEST_PDU_US: Final = 2120
_ROLES: Final = {Side.CENTRAL: hci.Role.CENTRAL, Side.PERIPHERAL: hci.Role.PERIPHERAL}


class AirConnection(Connection):
    """One end of a connection."""

    controller: "AirController"
    carrier: AirLink
    side: Side

    def on_hci_acl_data_packet(self, packet: hci.HCI_AclDataPacket) -> None:
        """Queue data from the host."""
        self.carrier.send(self.side, AclPdu(packet.pb_flag == _CONTINUATION, packet.data))

    def send_ll_control_pdu(self, packet: ll.ControlPdu) -> None:
        """Queue a link-layer control packet from the controller."""
        self.carrier.send(self.side, packet)

    def receive(self, pdu: AirPdu) -> None:
        """Handle a packet from the air."""
        if isinstance(pdu, AclPdu):
            flag = _CONTINUATION if pdu.is_continuation else _FIRST_FLUSHABLE
            self.controller.send_hci_packet(hci.HCI_AclDataPacket(self.handle, flag, 0, len(pdu.data), pdu.data))
        else:
            self.controller.on_ll_control_pdu(self.peer_address, pdu)

    def on_acknowledged(self, pdu: AirPdu) -> None:
        """Notify the host that there is room for one more packet."""
        if isinstance(pdu, AclPdu):
            self.controller.send_hci_packet(
                hci.HCI_Number_Of_Completed_Packets_Event(connection_handles=[self.handle], num_completed_packets=[1])
            )

    def on_supervision_timeout(self) -> None:
        """Notify the host that the connection timed out."""
        self.controller.on_le_disconnected(self, hci.HCI_CONNECTION_TIMEOUT_ERROR)


class _Advertiser(LegacyAdvertiser):
    """Legacy advertising at the requested interval, in the unit of HCI."""

    controller: "AirController"

    def _on_timer_fired(self) -> None:
        self.send_advertising_data()
        interval_s = self.advertising_interval_min * 0.000625
        self.timer_handle = asyncio.get_running_loop().call_later(
            interval_s + self.controller.air.advert_delay_s, self._on_timer_fired
        )


class AirMedium(LocalLink, ABC):
    """The interface of the air to a controller; :class:`~crampwatch.firmware_sim.radio.air.Air` implements it."""

    @property
    @abstractmethod
    def advert_delay_s(self) -> float:
        """The random part of an advertising interval."""

    @abstractmethod
    def connect(
        self, central: "AirController", own_address: hci.Address, sensor: hci.Address, timing: LinkTiming
    ) -> bool:
        """Open a connection to an advertiser; return False if it is no longer advertising."""

    @abstractmethod
    def drop_connections(self, controller: Controller) -> None:
        """End the connections of a controller without notice."""

    @abstractmethod
    def scan_response(self, advertiser: hci.Address) -> bytes:
        """Return the scan response of an advertiser; empty if it is gone."""

    @abstractmethod
    def path(self, sensor: hci.Address) -> AirPath:
        """Return range, loss and signal strength of a sensor."""


class AirController(Controller):
    """A controller on an air.

    Args:
        name: For the log.
        air: Shared with other controllers.
        public_address: Of this controller.
    """

    le_acl_data_packet_length = _LONGEST_PDU
    acl_data_packet_length = _LONGEST_PDU
    total_num_le_acl_data_packets = 64
    total_num_acl_data_packets = 64
    supported_max_tx_octets = _LONGEST_PDU
    supported_max_rx_octets = _LONGEST_PDU
    suggested_max_tx_octets = _LONGEST_PDU
    suggested_max_tx_time = _LONGEST_PDU_US
    le_features = (
        hci.LeFeatureMask.LE_ENCRYPTION
        | hci.LeFeatureMask.CONNECTION_PARAMETERS_REQUEST_PROCEDURE
        | hci.LeFeatureMask.PERIPHERAL_INITIATED_FEATURE_EXCHANGE
        | hci.LeFeatureMask.LE_DATA_PACKET_LENGTH_EXTENSION
    )

    def __init__(self, name: str, air: AirMedium, public_address: hci.Address) -> None:
        super().__init__(name, link=air, public_address=public_address)
        self.air = air
        self.le_legacy_advertiser = _Advertiser(self)

    def on_hci_packet(self, packet: hci.HCI_Packet) -> None:
        """Handle a packet from the host."""
        if isinstance(packet, hci.HCI_AclDataPacket):
            self.on_hci_acl_data_packet(packet)
        elif isinstance(packet, hci.HCI_Command):
            self.on_hci_command_packet(packet)

    def on_hci_acl_data_packet(self, packet: hci.HCI_AclDataPacket) -> None:
        """Send data; a packet for a connection that is gone, of which the host does not know yet, is dropped."""
        connection = self.find_le_connection_by_handle(packet.connection_handle)
        if connection is not None:
            connection.on_hci_acl_data_packet(packet)

    def send_hci_packet(self, packet: hci.HCI_Packet) -> None:
        """Deliver a packet to the host, in the next iteration of the event loop."""
        if self.hci_sink:
            asyncio.get_running_loop().call_soon(self.hci_sink.on_packet, bytes(packet))

    def open_link(
        self, link: AirLink, side: Side, own_address: hci.Address, peer_address: hci.Address, timing: LinkTiming
    ) -> AirConnection:
        """Create a connection and notify the host."""
        connection = AirConnection(
            controller=self,
            handle=self.allocate_connection_handle(),
            role=_ROLES[side],
            self_address=own_address,
            peer_address=peer_address,
            link=self.air,
            transport=PhysicalTransport.LE,
            link_type=hci.HCI_Connection_Complete_Event.LinkType.ACL,
        )
        connection.carrier, connection.side = link, side
        self.le_connections[peer_address] = connection
        self._report_connection(hci.HCI_SUCCESS, connection.handle, _ROLES[side], peer_address, timing)
        return connection

    def on_advertising_pdu(self, pdu: ll.AdvInd | ll.AdvExtInd) -> None:
        """Report an advertisement, and connect if the host is waiting for this advertiser."""
        if self.le_scan_enable:
            self._report_advertisement(pdu.advertiser_address, pdu.data)
        pending = self.pending_le_connection
        if pending is not None and pending.peer_address == pdu.advertiser_address:
            self.create_le_connection(pdu.advertiser_address)

    def create_le_connection(self, peer_address: hci.Address) -> None:
        """Open the connection that the host requested."""
        pending = self.pending_le_connection
        if not isinstance(pending, hci.HCI_LE_Create_Connection_Command) or peer_address in self.le_connections:
            return
        is_public = pending.own_address_type == hci.OwnAddressType.PUBLIC
        own_address = self.public_address if is_public else self.random_address
        timing = LinkTiming(pending.connection_interval_min, pending.max_latency, pending.supervision_timeout)
        if self.air.connect(self, own_address, peer_address, timing):
            self.pending_le_connection = None

    def on_le_disconnected(self, connection: Connection, reason: int) -> None:
        """Notify the host that a connection has ended; a second call does nothing."""
        if self.le_connections.get(connection.peer_address) is not connection:
            return
        super().on_le_disconnected(connection, reason)
        assert isinstance(connection, AirConnection)
        connection.carrier.close(connection.side)

    def on_hci_reset_command(self, _command: hci.HCI_Reset_Command) -> hci.HCI_StatusReturnParameters:
        """Stop scanning and advertising, and drop all connections."""
        self.le_scan_enable = False
        self.pending_le_connection = None
        self.le_legacy_advertiser.stop()
        self.air.drop_connections(self)
        self.le_connections.clear()
        return hci.HCI_StatusReturnParameters(hci.HCI_ErrorCode.SUCCESS)

    def on_hci_le_create_connection_cancel_command(
        self, _command: hci.HCI_LE_Create_Connection_Cancel_Command
    ) -> hci.HCI_StatusReturnParameters:
        """Stop waiting for an advertiser, and complete the attempt as failed (Core 5.4, Vol 4, Part E, 7.8.13)."""
        pending, self.pending_le_connection = self.pending_le_connection, None
        if pending is None:
            return hci.HCI_StatusReturnParameters(hci.HCI_ErrorCode.COMMAND_DISALLOWED_ERROR)
        failed = hci.HCI_UNKNOWN_CONNECTION_IDENTIFIER_ERROR
        asyncio.get_running_loop().call_soon(
            self._report_connection, failed, 0, hci.Role.CENTRAL, pending.peer_address, LinkTiming(0, 0, 0)
        )
        return hci.HCI_StatusReturnParameters(hci.HCI_ErrorCode.SUCCESS)

    def on_hci_read_rssi_command(self, command: hci.HCI_Read_RSSI_Command) -> hci.HCI_Read_RSSI_ReturnParameters:
        """Return the signal strength of a connection."""
        connection = self.find_le_connection_by_handle(command.handle)
        if not isinstance(connection, AirConnection):
            unknown = hci.HCI_ErrorCode.UNKNOWN_CONNECTION_IDENTIFIER_ERROR
            return hci.HCI_Read_RSSI_ReturnParameters(status=unknown, handle=command.handle, rssi=127)
        return hci.HCI_Read_RSSI_ReturnParameters(
            status=hci.HCI_ErrorCode.SUCCESS, handle=command.handle, rssi=connection.carrier.path.rssi_dbm
        )

    def on_hci_le_set_data_length_command(
        self, command: hci.HCI_LE_Set_Data_Length_Command
    ) -> hci.HCI_StatusAndConnectionHandleReturnParameters:
        """Accept any data length: the air carries them all."""
        handle = command.connection_handle
        if self.find_le_connection_by_handle(handle) is None:
            unknown = hci.HCI_ErrorCode.UNKNOWN_CONNECTION_IDENTIFIER_ERROR
            return hci.HCI_StatusAndConnectionHandleReturnParameters(status=unknown, connection_handle=handle)
        asyncio.get_running_loop().call_soon(
            self.send_hci_packet,
            hci.HCI_LE_Data_Length_Change_Event(
                connection_handle=handle,
                max_tx_octets=command.tx_octets,
                max_tx_time=command.tx_time,
                max_rx_octets=_LONGEST_PDU,
                max_rx_time=_LONGEST_PDU_US,
            ),
        )
        success = hci.HCI_ErrorCode.SUCCESS
        return hci.HCI_StatusAndConnectionHandleReturnParameters(status=success, connection_handle=handle)

    def _report_connection(
        self, status: int, handle: int, role: hci.Role, peer_address: hci.Address, timing: LinkTiming
    ) -> None:
        self.send_hci_packet(
            hci.HCI_LE_Connection_Complete_Event(
                status=status,
                connection_handle=handle,
                role=role,
                peer_address_type=peer_address.address_type,
                peer_address=peer_address,
                connection_interval=timing.interval,
                peripheral_latency=timing.latency,
                supervision_timeout=timing.timeout,
                central_clock_accuracy=0,
            )
        )

    def _report_advertisement(self, address: hci.Address, data: bytes) -> None:
        kinds = hci.HCI_LE_Advertising_Report_Event.EventType
        reports = [(kinds.ADV_IND, data)]
        if self.le_scan_type == hci.HCI_LE_Set_Scan_Parameters_Command.ACTIVE_SCANNING:
            reports.append((kinds.SCAN_RSP, self.air.scan_response(address)))
        for kind, content in reports:
            report = hci.HCI_LE_Advertising_Report_Event.Report(
                event_type=kind,
                address_type=address.address_type,
                address=address,
                data=content,
                rssi=self.air.path(address).rssi_dbm,
            )
            self.send_hci_packet(hci.HCI_LE_Advertising_Report_Event([report]))
