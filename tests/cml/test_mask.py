"""The grammar as an engine for constrained decoding reads it: the same text, the same language."""

from functools import cache
from typing import Any

import pytest
from cml_strategies import any_text
from extras import from_extra
from hypothesis import given
from hypothesis import strategies as st
from lark import UnexpectedInput

from cml import Body
from cml.text.grammar import context_grammar, grammar_text

llguidance = from_extra("hf", "llguidance")


@cache
def matcher_of(body: Body) -> Any:
    grammar = llguidance.LLMatcher.grammar_from_lark(f"start: context\n{grammar_text(body)}")
    return llguidance.LLMatcher(llguidance.LLTokenizer("byte"), grammar)


def accepted_by_mask(text: str, body: Body) -> bool:
    matcher = matcher_of(body)
    matcher.reset()
    tokens = list(text.encode())
    return bool(matcher.try_consume_tokens(tokens) == len(tokens) and matcher.is_accepting())


def accepted_by_grammar(text: str, body: Body) -> bool:
    try:
        context_grammar(body).parse(text)
    except UnexpectedInput:
        return False
    return True


@pytest.mark.parametrize("body", list(Body))
@given(st.data())
def test_mask_and_parser_accept_the_same(body: Body, data: st.DataObject) -> None:
    text = data.draw(any_text(body).filter(lambda drawn: len(drawn) < 2_000))
    assert accepted_by_mask(text, body) == accepted_by_grammar(text, body)
