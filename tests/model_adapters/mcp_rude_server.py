"""A server that keeps the protocol of MCP badly, in a way that its argument names.

It is written without the SDK, which would not let it.
"""

import json
import sys
import time

HOW = sys.argv[1]
LISTED: list[str] = []
TOOL = {"name": "f", "inputSchema": {"type": "object", "properties": {"x": {"type": "integer"}}}}


def send(message: dict[str, object]) -> None:
    print(json.dumps({"jsonrpc": "2.0", **message}), flush=True)


def answer(number: object, method: str) -> None:
    match method:
        case "initialize":
            about = {"name": "rude", "version": "1"}
            says = {"protocolVersion": "2025-11-25", "capabilities": {"tools": {}}}
            send({"id": number, "result": {**says, "serverInfo": about}})
        case "tools/list":
            tools = [TOOL, TOOL] if HOW == "lists-twice" else [TOOL]
            if HOW == "needs-tasks":
                tools = [TOOL, {**TOOL, "name": "g", "execution": {"taskSupport": "required"}}]
            more = {"nextCursor": "again"} if HOW == "lists-without-end" else {}
            send({"id": number, "result": {"tools": tools, **more}})
            if HOW == "changes-nothing":
                LISTED.append(method)
                send({"method": "notifications/tools/list_changed"})
        case "tools/call":
            call(number)
        case _:
            send({"id": number, "error": {"code": -32601, "message": "no such method"}})


def call(number: object) -> None:
    said = {"id": number, "result": {"content": [{"type": "text", "text": "once"}]}}
    match HOW:
        case "prints":
            print("Traceback (most recent call last): \x1b[31m", flush=True)
            print("{}", flush=True)
        case "answers-twice":
            send(said)
            said = {"id": number, "result": {"content": [{"type": "text", "text": "twice"}]}}
        case "no-result":
            said = {"id": number, "result": {"contents": 3}}
        case "refuses":
            said = {"id": number, "error": {"code": -32602, "message": "not today"}}
        case "refuses-in-its-code":
            said = {"id": number, "error": {"code": -32000, "message": "quota exceeded"}}
        case "prints-latin-1":
            sys.stdout.buffer.write(b"caf\xe9 served\n")
            sys.stdout.buffer.flush()
        case "changes-nothing":
            content = [{"type": "text", "text": str(len(LISTED))}]
            said = {"id": number, "result": {"content": content}}
        case "says-nothing":
            return
        case "leaves" | "talks-and-leaves":
            leave()
    send(said)


def leave() -> None:
    if HOW == "talks-and-leaves":
        for _ in range(100):
            print("word " * 10_000, file=sys.stderr)
        print("out of breath", file=sys.stderr)
    sys.exit(0)


if HOW == "never-begins":
    time.sleep(600)
if HOW == "ends-at-once":
    print("no configuration\x1b[31m", file=sys.stderr)
    sys.exit(2)
for line in sys.stdin:
    message = json.loads(line)
    if "id" in message and "method" in message:
        answer(message["id"], message["method"])
