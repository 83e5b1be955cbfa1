"""What a call of an MCP tool came to, as a value that a model can read."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from cml.ast import Json

if TYPE_CHECKING:
    from mcp_types import CallToolResult, ContentBlock, EmbeddedResource


class ToolFailed(Exception):
    """An MCP tool says that it failed; the message is what it says."""


def value_of(result: "CallToolResult") -> Json:
    """Return the value of a result: its structured content where it has one, else its contents.

    One text is a string, several contents are an array, none are null. What is no text (an image, a
    sound, a file of bytes) is told by its type and size, and left out: a model that reads text gains
    nothing from base64.

    Args:
        result: As the server sent it.

    Raises:
        ToolFailed: It is the result of a tool that failed.
    """
    told = [_told(content) for content in result.content]
    if result.is_error:
        raise ToolFailed(_message(told))
    if result.structured_content is not None:
        structured: Json = result.structured_content
        return structured
    return told[0] if len(told) == 1 else (told or None)


def _message(told: Sequence[Json]) -> str:
    texts = [content for content in told if isinstance(content, str) and content]
    return "\n".join(texts) or "the tool failed, and does not say why"


def _told(content: "ContentBlock") -> Json:
    from mcp_types import AudioContent, EmbeddedResource, ImageContent, ResourceLink, TextContent

    match content:
        case TextContent(text=text):
            return text
        case ImageContent() | AudioContent():
            return _left_out(content.type, content.mime_type, content.data)
        case ResourceLink(uri=uri, name=name):
            return {"type": "resource_link", "uri": str(uri), "name": name}
        case EmbeddedResource():
            return _embedded(content)


def _embedded(content: "EmbeddedResource") -> Json:
    from mcp_types import TextResourceContents

    resource = content.resource
    if isinstance(resource, TextResourceContents):
        return {"type": "resource", "uri": str(resource.uri), "text": resource.text}
    left_out = _left_out("resource", resource.mime_type, resource.blob)
    return {**left_out, "uri": str(resource.uri)}


def _left_out(kind: str, mime_type: str | None, base64: str) -> dict[str, Json]:
    size = len(base64.rstrip("=")) * 3 // 4
    return {"type": kind, "mime_type": mime_type, "bytes": size, "left_out": True}
