"""A charging station over Debian's python3-websockets: it says what it is told, and prints what it hears.

Arguments: the URL, the subprotocols (comma-separated), and a JSON object:
    "say":     frames as texts; the next one is sent when the one before was answered, if it is a CALL
    "answers": by Action, the frame that answers a CALL; "ID" in it stands for the MessageId

Printed, a line each: "open <subprotocol>", each frame as it came, "close <code> <reason>".
"""

import asyncio
import json
import sys

import websockets

LIMIT_SECONDS = 20


async def main(url, protocols, script):
    async with websockets.connect(url, subprotocols=protocols.split(",")) as socket:
        print("open", socket.subprotocol, flush=True)
        say = list(script["say"])

        async def say_next():
            while say:
                text = say.pop(0)
                await socket.send(text)
                if text.startswith("[2,"):
                    return

        try:
            await say_next()
            async for text in socket:
                print(text, flush=True)
                kind, message_id, *rest = json.loads(text)
                if kind == 2:
                    await socket.send(script["answers"][rest[0]].replace("ID", message_id))
                elif kind in (3, 4):
                    await say_next()
        except websockets.ConnectionClosed:
            pass
        print("close", socket.close_code, socket.close_reason, flush=True)


asyncio.run(asyncio.wait_for(main(*sys.argv[1:3], json.loads(sys.argv[3])), LIMIT_SECONDS))
