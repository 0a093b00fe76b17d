"""The same conversation in what others put around a log: collectors, exports, tools that look at the wire, pages."""

from __future__ import annotations

import csv
import html
import io
import json
from typing import Any

from tests.ocpp_lab.logs.conversation import CP, NAME, Format, Said, _each, iso, word


def _rows(head: list[str], said: list[Said], cells: Any, **how: Any) -> str:
    out = io.StringIO()
    table = csv.writer(out, **how)
    table.writerow(head)
    table.writerows(cells(one) for one in said)
    return out.getvalue()


def _ends(said: list[Said]) -> str:
    """Who sent it stands in a column, and nowhere else."""
    head = ["Nr", "Timestamp", "Source", "Destination", "Type", "Message"]
    ends = ["CHARGE_POINT", "CENTRAL_SYSTEM"]
    return _rows(
        head,
        said,
        lambda one: [1, iso(one, "T") + "Z", *(ends if one.sender == CP else ends[::-1]), one.frame[0], one.text],
        delimiter=";",
        quoting=csv.QUOTE_ALL,
    )


def _german(said: list[Said]) -> str:
    return "\ufeff" + _rows(
        ["Zeit", "Ladepunkt", "Richtung", "Nachricht"],
        said,
        lambda one: [f"{one.at:%d.%m.%Y %H:%M:%S}", NAME, word(one, "Empfangen", "Gesendet"), one.text],
        delimiter=";",
    )


def _cells_of_json(said: list[Said]) -> str:
    """A line of JSON in a cell: escaped once as JSON, and once as CSV."""
    return _rows(
        ["@timestamp", "@message"],
        said,
        lambda one: [iso(one), json.dumps({"level": "INFO", "message": f"{NAME} {word(one, 'rx', 'tx')}: {one.text}"})],
    )


def _packets(said: list[Said]) -> str:
    """Wireshark, all details: the time far above, the direction in the mask."""
    return "\n".join(
        f"Frame 1: 214 bytes on wire\n    Arrival Time: {one.at:%b %d, %Y %H:%M:%S.%f}000 UTC\n"
        + "    [Coloring Rule Name: HTTP]\n" * 30
        + f"WebSocket\n    .... 0001 = Opcode: Text (1)\n    {word(one, '1', '0')}... .... = Mask:"
        f" {word(one, 'True', 'False')}\n    Payload\nLine-based text data (1 lines)\n    {one.text}\n"
        for one in said
    )


def _events(said: list[Said]) -> str:
    events = [
        {
            "timestamp": int(one.at.timestamp() * 1000),
            "message": f"{NAME} {word(one, 'RX', 'TX')} {one.text}",
            "eventId": "3",
        }
        for one in said
    ]
    return json.dumps({"events": events}, indent=4)


def _hits(said: list[Said]) -> str:
    hits = [
        {
            "_source": {
                "@timestamp": iso(one, "T") + "Z",
                "cp_id": NAME,
                "message": f"{word(one, 'in', 'out')} {one.text}",
            }
        }
        for one in said
    ]
    return json.dumps({"hits": {"hits": hits}}, indent=1)


def _streams(said: list[Said]) -> str:
    """All on one line."""
    values = [
        [str(int(one.at.timestamp() * 1e6) * 1000), f"{NAME}: {word(one, 'receive message', 'send')} {one.text}"]
        for one in said
    ]
    return json.dumps({"data": {"result": [{"stream": {"app": "csms"}, "values": values}]}})


def _page(said: list[Said]) -> str:
    rows = [
        f"<tr><td>{iso(one, 'T')}Z</td>"
        f"<td>{word(one, 'ChargePoint&gt;CentralSystem', 'CentralSystem&gt;ChargePoint')}</td>"
        f'<td><pre lang="json">{html.escape(json.dumps(one.frame, indent=4), quote=False)}</pre></td></tr>'
        for one in said
    ]
    return "<html><table>\n" + "\n".join(rows) + "\n</table></html>\n"


def _proxy(said: list[Said]) -> str:
    """Both of its legs: each frame comes, and goes."""
    return "\n".join(
        f"{iso(one)} {NAME} {legs} {one.text}"
        for one in said
        for legs in (word(one, "CP->PROXY", "CSMS->PROXY"), word(one, "PROXY->CSMS", "PROXY->CP"))
    )


def _line(one: Said) -> str:
    return f"INFO:ocpp:{NAME}: {word(one, 'receive message', 'send')} {one.text}"


def _of_server(one: Said) -> str:
    return f"{iso(one)} INFO (MainThread) [ocpp] {NAME}: {word(one, 'receive message', 'send')} {one.text}"


def _coloured(one: Said) -> str:
    return f"{iso(one)} {NAME} {word(one, '-->', '<--')} {json.dumps(one.text)}"


ENVELOPES: dict[str, Format] = {
    "CSV with both ends": Format(_ends, 0.001, False),
    "CSV in German, with a mark at its beginning": Format(_german),
    "CSV of JSON": Format(_cells_of_json, 0.001),
    "Wireshark": Format(_packets, 0.001, False),
    "CloudWatch": Format(_events, 0.001),
    "Elasticsearch": Format(_hits, 0.001),
    "Loki": Format(_streams, 0.001),
    "Loki, a line each": Format(_each(lambda one: json.dumps(
        {"labels": {"app": "csms", "cp": NAME}, "line": f"{word(one, '<-', '->')} {one.text}",
         "timestamp": iso(one, "T") + "Z"})), 0.001),
    "a page of libocpp": Format(_page, 0.001, False),
    "a proxy": Format(_proxy, 0.001),
    "journald with an offset": Format(_each(lambda one: f"{one.at:%Y-%m-%dT%H:%M:%S}+0000 pi csms[77]: {_line(one)}")),
    "journald in JSON": Format(_each(lambda one: json.dumps(
        {"__REALTIME_TIMESTAMP": str(int(one.at.timestamp() * 1e6)), "MESSAGE": _line(one)})), 0.001),
    "a time that is named @t": Format(_each(lambda one: json.dumps(
        {"@t": iso(one, "T") + "Z", "Direction": word(one, "In", "Out"), "ChargePointId": NAME, "Payload": one.text}
    )), 0.001),
    "JSON in JSON": Format(_each(lambda one: json.dumps({"time": int(one.at.timestamp() * 1000), "msg": json.dumps(
        {"cp": NAME, "dir": word(one, "IN", "OUT"), "raw": one.text})})), 0.001),
    "a name in what is beside the line": Format(_each(lambda one: json.dumps({"content": {
        "timestamp": iso(one, "T") + "Z", "message": f"OCPP {word(one, 'received', 'sent')}",
        "attributes": {"payload": one.text, "charge_point_id": NAME}}})), 0.001),
    "a station's own key": Format(_each(lambda one: json.dumps(
        {"time": one.at.isoformat(), "msg": word(one, "received message", "sending message"),
         "chargeStationId": NAME, "ocpp_message": one.text})), 0.001),
    "the repr of a text": Format(_each(lambda one: f"{iso(one)} {NAME} {word(one, 'recv', 'send')} {one.text!r}"), 0.001),  # noqa: E501
    "the repr of bytes": Format(_each(lambda one: (
        f"{iso(one)} {NAME} {word(one, 'recv', 'send')} {one.text.encode()!r}")), 0.001),
    "a page in a page": Format(_each(lambda one: html.escape(html.escape(_of_server(one)))), 0.001),
    "numbered characters": Format(_each(lambda one: _of_server(one).replace('"', "&#34;")), 0.001),
    "milliseconds since 1970": Format(_each(lambda one: (
        f"{int(one.at.timestamp() * 1000)} {NAME} {word(one, 'IN', 'OUT')} {one.text}")), 0.001),
    "the date of a web server": Format(_each(lambda one: (
        f"[{one.at:%d/%b/%Y:%H:%M:%S} +0000] [{NAME}] received from {word(one, 'charger', 'backend')} {one.text}"))),
    "escaped, behind an arrow": Format(_each(_coloured), 0.001),
    "a table without a head": Format(_each(lambda one: f"{iso(one)}\t{NAME}\t{word(one, 'IN', 'OUT')}\t{one.text}"), 0.001),  # noqa: E501
    "rows for a database": Format(_each(lambda one: f"('{iso(one)}', '{NAME}', '{word(one, 'in', 'out')}', '{one.text}'),"), 0.001),  # noqa: E501
    "ISO without its marks": Format(_each(lambda one: f"{one.at:%Y%m%dT%H%M%SZ} {NAME}: {word(one, 'recv', 'send')} {one.text}")),  # noqa: E501
    "a tenant in front of the name": Format(_each(lambda one: (
        f"{iso(one)} DEBUG Router: Message {word(one, 'received from', 'sent to')} 1:{NAME} {one.text}")), 0.001),
}  # fmt: skip
"""By name."""
