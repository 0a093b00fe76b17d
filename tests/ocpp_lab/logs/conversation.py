"""One short conversation, and how everybody would have logged it: the words, places and accidents of real loggers."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

CP, CS = "charge point", "central system"
BEGIN = datetime(2031, 3, 14, 7, 59, 50, 250_000, tzinfo=UTC)
NAME = "WALL-0815"


class Said(NamedTuple):
    sender: str
    frame: list[Any]
    at: datetime

    @property
    def text(self) -> str:
        return json.dumps(self.frame, separators=(",", ":"))


def _stamp(seconds: float) -> str:
    return (BEGIN + timedelta(seconds=seconds)).isoformat(timespec="seconds").replace("+00:00", "Z")


def conversation() -> list[Said]:
    """A boot, statuses, a remote start with its transaction, readings, a refused order, the stop."""
    reading = {
        "timestamp": _stamp(60),
        "sampledValue": [{"value": "1234.5", "unit": "Wh", "context": "Sample.Periodic"}],
    }
    spoken: list[tuple[float, str, list[Any]]] = [
        (0, CP, [2, "b-1", "BootNotification", {"chargePointVendor": "Acme", "chargePointModel": "Wall 11"}]),
        (0.2, CS, [3, "b-1", {"status": "Accepted", "currentTime": _stamp(0), "interval": 300}]),
        (1, CP, [2, "b-2", "StatusNotification", {"connectorId": 1, "errorCode": "NoError", "status": "Available"}]),
        (1.1, CS, [3, "b-2", {}]),
        (10, CP, [2, "b-3", "StatusNotification", {"connectorId": 1, "errorCode": "NoError", "status": "Preparing"}]),
        (10.1, CS, [3, "b-3", {}]),
        (12, CS, [2, "771", "RemoteStartTransaction", {"connectorId": 1, "idTag": "CARD-42"}]),
        (12.4, CP, [3, "771", {"status": "Accepted"}]),
        (13, CP, [2, "b-4", "StartTransaction", {"connectorId": 1, "idTag": "CARD-42", "meterStart": 1000,
                                                  "timestamp": _stamp(13)}]),
        (13.2, CS, [3, "b-4", {"transactionId": 9, "idTagInfo": {"status": "Accepted"}}]),
        (14, CP, [2, "b-5", "StatusNotification", {"connectorId": 1, "errorCode": "NoError", "status": "Charging"}]),
        (14.1, CS, [3, "b-5", {}]),
        (60, CP, [2, "b-6", "MeterValues", {"connectorId": 1, "transactionId": 9, "meterValue": [reading]}]),
        (60.2, CS, [3, "b-6", {}]),
        (70, CS, [2, "772", "GetDiagnostics", {"location": "ftp://files.example.org/up"}]),
        (70.3, CP, [4, "772", "NotSupported", "no diagnostics here", {}]),
        (80, CP, [2, "b-7", "StopTransaction", {"transactionId": 9, "meterStop": 1300, "timestamp": _stamp(80)}]),
        (80.2, CS, [3, "b-7", {"idTagInfo": {"status": "Accepted"}}]),
        (81, CP, [2, "b-8", "StatusNotification", {"connectorId": 1, "errorCode": "NoError", "status": "Available"}]),
        (81.1, CS, [3, "b-8", {}]),
    ]  # fmt: skip
    return [Said(sender, frame, BEGIN + timedelta(seconds=at)) for at, sender, frame in spoken]


Renderer = Callable[[list[Said]], str]


class Format(NamedTuple):
    """``at``: how exactly a time of it can be read, in seconds; None if there is none. ``name``: whether it says it."""

    render: Renderer
    at: float | None = 1.0
    name: bool | str = True
    zone: float = 0.0
    """Hours that its times are ahead."""


def _each(line: Callable[[Said], str]) -> Renderer:
    return lambda said: "\n".join(line(one) for one in said)


def iso(one: Said, sep: str = " ", spec: str = "milliseconds") -> str:
    return one.at.replace(tzinfo=None).isoformat(sep, spec)


def word(one: Said, cp: str, cs: str) -> str:
    return cp if one.sender == CP else cs


def _python(one: Said) -> str:
    return f"{iso(one)} DEBUG charge_point: {word(one, 'sent', 'received')} {one.frame!r}"


def _pretty(one: Said) -> str:
    return json.dumps(one.frame, indent=4)


def _csv(said: list[Said]) -> str:
    out = io.StringIO()
    table = csv.writer(out)
    table.writerow(["Time", "ChargePoint", "Direction", "Message"])
    for one in said:
        table.writerow([iso(one, "T") + "Z", NAME, word(one, "in", "out"), one.text])
    return out.getvalue()


def _har(said: list[Said]) -> str:
    messages = [
        {"type": word(one, "send", "receive"), "time": one.at.timestamp(), "opcode": 1, "data": one.text}
        for one in said
    ]
    request = {"url": f"wss://cs.example.org/ocpp/{NAME}"}
    return json.dumps({"log": {"version": "1.2", "entries": [{"request": request, "_webSocketMessages": messages}]}})


def _har_pretty(said: list[Said]) -> str:
    return json.dumps(json.loads(_har(said)), indent=2)


def _table_with_answers(said: list[Said]) -> str:
    """Newest first, call and reply in one row, as a web page shows it."""
    rows = []
    for call, reply in zip(said[::2], said[1::2], strict=True):
        hour = f"{call.at.month}/{call.at.day}/{call.at.year} {call.at:%I:%M:%S %p}".replace(" 0", " ")
        rows.append(f"{call.frame[2]} | {NAME} | {call.text} | {reply.text} | {hour}")
    return "\n".join(["Action | Charger-CMS | Request | Response | Time", "-- | -- | -- | -- | --", *reversed(rows)])


def _docker(said: list[Said]) -> str:
    return "\n".join(
        json.dumps({"log": f"INFO:ocpp:{NAME}: {word(one, 'receive message', 'send')} {one.text}\n", "stream": "stderr",
                    "time": iso(one, "T", "microseconds") + "Z"})
        for one in said
    )  # fmt: skip


def _spreadsheet(one: Said) -> str:
    text = json.dumps(one.frame, separators=(",\t", ":\t"))
    for digit in "0123456789":
        text = text.replace(f'{digit},\t"', f'{digit}\t"') if f':\t{digit},\t"' in text else text
    return f"[INFO]\t{iso(one)}\tWebSocketLogger\t-\t[chargeBoxId={NAME},\tsessionId=s1]\t" + (
        f"{word(one, 'Received', 'Sending')}:\t{text}\t\t\t"
    )


def _wrapped(one: Said) -> str:
    line = f"{iso(one)} {word(one, '=>CSMS:', '<=CSMS:')}{one.text}"
    return "\n".join(line[place : place + 80] for place in range(0, len(line), 80))


def _wrapped_with_prefix(one: Said) -> str:
    """The prefix stands in front of every piece, the arrow only in front of the first."""
    prefix = f"{iso(one, 'T')}Z:COM:rpc.c:1108:"
    pieces = [one.text[place : place + 60] for place in range(0, len(one.text), 60)]
    return "\n".join([f"{prefix}{word(one, '-> ', '<- ')}{pieces[0]}", *(prefix + piece for piece in pieces[1:])])


def _everest(one: Said) -> str:
    arrow = word(one, "ChargePoint>CentralSystem", "CentralSystem>ChargePoint")
    return f"{iso(one, 'T')}Z: {arrow} {one.frame[2] if one.frame[0] == 2 else ''}\n\n{_pretty(one)}\n"


def _trace(one: Said) -> str:
    return json.dumps({"time": iso(one, "T") + "Z", "at": 5.0, "identity": NAME, "mark": word(one, ">", "<"),
                       "text": one.text})  # fmt: skip


def _escaped(one: Said) -> str:
    return f'{iso(one)} "{NAME}" {word(one, "TX", "RX")}: {json.dumps(one.text)}'


def _html(one: Said) -> str:
    text = one.text.replace('"', "&quot;")
    arrow = word(one, "ChargePoint&gt;CentralSystem", "CentralSystem&gt;ChargePoint")
    return f"<tr><td>{iso(one, 'T')}Z</td><td>{arrow.replace('&gt;', '>')}</td><td><pre>{text}</pre></td></tr>"


def _dump(one: Said) -> str:
    kind = one.frame[0]
    names = {2: ("CallType", "UniqueId", "Action", "Payload"), 3: ("CallType", "UniqueId", "Payload"),
             4: ("CallType", "UniqueId", "ErrorCode", "ErrorDescription", "ErrorDetails")}[kind]  # fmt: skip
    return json.dumps({"Time": iso(one, "T") + "Z", "Direction": word(one, "in", "out"),
                       **dict(zip(names, one.frame, strict=True))})  # fmt: skip


FORMATS: dict[str, Format] = {
    "SteVe": Format(_each(lambda one: (
        f"[INFO ] {one.at:%Y-%m-%d %H:%M:%S},{one.at.microsecond // 1000:03} de.rwth.idsg.steve.ocpp.ws.WebSocketLogger "  # noqa: E501
        f"(qtp161-{one.at.second}) - [chargeBoxId={NAME}, sessionId=5f3c-11] {word(one, 'Received', 'Sending')}: {one.text}"  # noqa: E501
    )), 0.001),
    "SteVe without prefix": Format(_each(lambda one: f"{word(one, 'Received', 'Sending')}: {one.text}"), None, False),
    "SteVe through a spreadsheet": Format(_each(_spreadsheet), 0.001),
    "Home Assistant": Format(_each(lambda one: (
        f"{iso(one)} INFO (MainThread) [ocpp] {NAME}: {word(one, 'receive message', 'send')} {one.text}")), 0.001),
    "Home Assistant, over several lines, no name": Format(_each(lambda one: (
        f"{iso(one)} INFO (MainThread) [ocpp] : "
        + (f"receive message [{one.frame[0]},\"{one.frame[1]}\"," + ",\n".join(
            json.dumps(part, indent=0) for part in one.frame[2:]) + "]" if one.sender == CP else f"send {one.text}")
    )), 0.001, False),
    "mobilityhouse": Format(_each(lambda one: f"INFO:ocpp:{NAME}: {word(one, 'send', 'receive message')} {one.text}"), None),  # noqa: E501
    "websockets DEBUG": Format(_each(lambda one: (
        f"DEBUG:websockets.server:{word(one, '<', '>')} TEXT '{one.text}' [{len(one.text)} bytes]")), None, False),
    "openWB": Format(_each(lambda one: (
        f"{one.at:%Y-%m-%d %H:%M:%S},{one.at.microsecond // 1000:03} - {{ocpp:456}} - {{INFO:OCPP Client}} - {NAME}: "
        f"{word(one, 'send', 'receive message')} {one.text}")), 0.001),
    "evcc": Format(_each(lambda one: (
        f"[ocpp  ] TRACE {one.at:%Y/%m/%d %H:%M:%S} {word(one, 'recv', 'send')} {NAME}: {one.text}"))),
    "evcc in compose": Format(_each(lambda one: (
        f"evcc  | [ocpp  ] TRACE {one.at:%Y/%m/%d %H:%M:%S} {word(one, 'recv', 'send')} {NAME}: {one.text}"))),
    "evcc in journald, older words": Format(_each(lambda one: (
        f"{one.at:%b %d %H:%M:%S} host evcc[2522]: [ocpp  ] TRACE {one.at:%Y/%m/%d %H:%M:%S} "
        f"{word(one, 'received JSON message from', 'sent JSON message to')} {NAME}: {one.text}"))),
    "MicroOcpp": Format(_each(lambda one: f"[MO] {word(one, 'Send', 'Recv')}: {one.text}"), None, False),
    "MicroOcpp with a clock": Format(_each(lambda one: (
        f"{one.at:%H:%M:%S}.{one.at.microsecond // 1000:03} > [MO] {word(one, 'Send', 'Recv')}: {one.text}")), 0.001, False),  # noqa: E501
    "firmware, arrows": Format(_each(lambda one: f"{iso(one)} {word(one, '=>CSMS:', '<=CSMS:')}{one.text}"), 0.001, False),  # noqa: E501
    "firmware, a file and a line": Format(_each(lambda one: (
        f"I ({one.at.second}00) ocpp.c:1108:{word(one, '->', '<-')} {one.text}")), None, False),
    "firmware, length": Format(_each(lambda one: (
        f"{iso(one)} ws {word(one, 'tx', 'rx')} len:{len(one.text)} = '{one.text}'")), 0.001, False),
    "firmware, no direction": Format(_each(lambda one: (
        f"{iso(one)} call {'' if one.frame[0] == 2 else 'result '}message: {one.text}")), 0.001, False),
    "firmware, escaped": Format(_each(_escaped), 0.001),
    "firmware, wrapped at 80 columns": Format(_each(_wrapped), 0.001, False),
    "firmware, wrapped, with its prefix again": Format(_each(_wrapped_with_prefix), 0.001, False),
    "an arrow in front of the time": Format(_each(lambda one: (
        f"{word(one, '<<<', '>>>')} {one.at:%d.%m.%Y, %H:%M:%S}{one.text}")), 1.0, False),
    "an object behind a word": Format(_each(lambda one: f"Request {_dump(one)}  "), 0.001, False),
    "websockets, protocol": Format(_each(lambda one: (
        f"{iso(one)} DEBUG (MainThread) [websockets.protocol] server {word(one, '<', '>')} Frame(fin=True, "
        f"opcode=<Opcode.TEXT: 1>, data=b'{one.text}', rsv1=False)")), 0.001, False),
    "EVerest": Format(_each(_everest), 0.001, False),
    "EVerest, HTML": Format(_each(_html), 0.001, False),
    "SAP simulator": Format(_each(lambda one: (
        f"{iso(one)} debug: CS-{NAME} | {word(one, '>>', '<<')} Command 'X' {word(one, 'sent', 'received')} "
        f"{'request' if one.frame[0] == 2 else 'response'} payload: {one.text}")), 0.001, f"CS-{NAME}"),
    "node-red": Format(_each(lambda one: (
        f"{one.at.day} Mar {one.at:%H:%M:%S} - [info] [CS server:x] type: {word(one, 'received', 'sent')} data: {one.text}"  # noqa: E501
    )), 1.0, False),
    "OCPP.Core": Format(_each(lambda one: (
        f"{iso(one, 'T')}_ocpp16-{word(one, 'in', 'out')}.txt:{one.text}")), 0.001, False),
    "object dump": Format(_each(_dump), 0.001, False),
    "CSV": Format(_csv, 0.001),
    "HAR": Format(_har, 0.01, False),
    "HAR, pretty": Format(_har_pretty, 0.01, False),
    "tshark": Format(_each(lambda one: (
        f"{one.at.second}\t{iso(one)}\tWebSocket\tmasked={word(one, '1', '0')}\t{one.text}")), 0.001, False),
    "docker": Format(_docker, 0.001),
    "OCTT": Format(_each(lambda one: f"[{iso(one)}] [{word(one, 'msg-in', 'msg-out')}] {one.text}"), 0.001, False),
    "a web page's table, newest first": Format(_table_with_answers, 1.0, False),
    "Python": Format(_each(_python), 0.001, False),
    "colours": Format(_each(lambda one: f"\x1b[32m{iso(one)}\x1b[0m [{NAME}] {word(one, '<-', '->')} {one.text}"), 0.001),  # noqa: E501
    "American dates": Format(_each(lambda one: (
        f"{one.at.month}/{one.at.day}/{one.at.year}, {one.at:%I:%M:%S %p} {word(one, 'Incoming', 'Outgoing')} {one.text}"  # noqa: E501
    )), 1.0, False),
    "our own trace": Format(_each(_trace), 0.001),
    "our own command line, raw": Format(_each(lambda one: (
        f"{one.at:%H:%M:%S}.{one.at.microsecond // 1000:03} {word(one, '<', '>')} {NAME} {one.text}")), 0.001),
    "JSON lines": Format(_each(lambda one: json.dumps(
        {"timestamp": one.at.isoformat(), "level": "info", "direction": word(one, "inbound", "outbound"),
         "chargePointId": NAME, "message": one.frame})), 0.001),
    "kubernetes": Format(_each(lambda one: (
        f"{iso(one, 'T', 'microseconds')}Z stdout F {NAME} {word(one, '<<', '>>')} {one.text}")), 0.001),
}  # fmt: skip
"""By name."""
