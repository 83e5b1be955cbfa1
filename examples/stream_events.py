"""A session behind HTTP: each question is answered by a stream of server-sent events.

    pip install fastapi uvicorn
    CML_BACKEND=script:examples/trip.cml uvicorn --app-dir examples stream_events:app
    curl -N 'http://127.0.0.1:8000/ask?question=What+is+the+weather+in+Oslo'
    curl -X POST 'http://127.0.0.1:8000/say/SESSION?text=Hurry+up'

Events: `session` (its name, for /say), `text` (what the model writes), `call`, `result`, `interrupt`, `end`. A browser that
goes away cancels the stream, and that stops the session.
"""

import asyncio
import json
import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from uuid import uuid4

from fastapi import FastAPI, HTTPException
from fastapi.responses import StreamingResponse

from interpreter import AsyncRuntime, Settings
from interpreter.events import Decoded, Finish, Inject, Returned, Row, Start
from interpreter.tools.python import load_tools
from model_adapters.backends import Request, open_backend

BACKEND = os.environ.get("CML_BACKEND", "auto")
FUNCTIONS = load_tools(Path(__file__).parent / "travel_tools.py").functions
RUNNING: dict[str, AsyncRuntime] = {}
app = FastAPI()


@app.get("/")
async def sessions() -> list[str]:
    """Name the sessions that run."""
    return list(RUNNING)


@app.get("/ask")
async def ask(question: str) -> StreamingResponse:
    """Answer a question, event by event."""
    return StreamingResponse(stream(question), media_type="text/event-stream")


@app.post("/say/{session}")
async def say(session: str, text: str) -> dict[str, int]:
    """Say something to a session that runs; the answer comes when the model hears it."""
    if session not in RUNNING:
        raise HTTPException(404, "no such session runs")
    row = await RUNNING[session].say(text)
    return {"at_us": row.at_us}


async def stream(question: str) -> AsyncIterator[str]:
    """Yield the events of one session."""
    request = Request(BACKEND, question, FUNCTIONS, yes=True)
    opened = await asyncio.to_thread(open_backend, request)
    settings = Settings(layout=opened.layout)
    async with AsyncRuntime(opened.session, FUNCTIONS, settings) as runtime:
        name = uuid4().hex
        RUNNING[name] = runtime
        try:
            yield event("session", name)
            async for row in runtime.run():
                for kind, data in told(row):
                    yield event(kind, data)
        finally:
            del RUNNING[name]


def told(row: Row) -> Iterator[tuple[str, object]]:
    """Yield what a browser is told of a row."""
    match row.event:
        case Decoded(symbol):
            yield "text", symbol.text
        case Returned(call, outcome):
            yield "result", {"call": call, "outcome": outcome.kind.value, "value": outcome.value}
        case _:
            pass
    for effect in row.effects:
        match effect:
            case Start(call, function, args, kwargs):
                yield "call", {"call": call, "function": function, "args": args, "kwargs": kwargs}
            case Inject(interrupts):
                yield "interrupt", [delivery.id for delivery in interrupts]
            case Finish(reason):
                yield "end", reason
            case _:
                pass


def event(kind: str, data: object) -> str:
    """Return one event on the wire; JSON has no line feed in it."""
    return f"event: {kind}\ndata: {json.dumps(data)}\n\n"
