'use strict';
// Characters, white space and positions (chapter 1, introduction). JavaScript strings count UTF-16
// units; every length and offset of CML counts code points.

const SPACE = ' \t\n\r';

function characterCount(text) {
  let count = 0;
  for (let i = 0; i < text.length; i++) {
    if (!isLowSurrogate(text.charCodeAt(i))) count++;
  }
  return count;
}

function isLowSurrogate(unit) {
  return unit >= 0xdc00 && unit <= 0xdfff;
}

function lastCharacter(text) {
  return [...text.slice(-2)].pop() ?? '';
}

/** `text` without its last `count` characters. */
function dropCharacters(text, count) {
  let end = text.length;
  for (; count > 0; count--) {
    end -= isLowSurrogate(text.charCodeAt(end - 1)) ? 2 : 1;
  }
  return text.slice(0, end);
}

/** White space is four characters and no others, so String.trim would take too much. */
function trim(text) {
  let start = 0;
  let end = text.length;
  while (start < end && SPACE.includes(text[start])) start++;
  while (end > start && SPACE.includes(text[end - 1])) end--;
  return text.slice(start, end);
}

function trailingBackslashes(text) {
  let count = 0;
  while (count < text.length && text[text.length - 1 - count] === '\\') count++;
  return count;
}

const START = Object.freeze({ line: 1, column: 1, offset: 0 });

/** The position after `text`, which begins at `position`. */
function advance(position, text) {
  let line = position.line;
  let lineStart = 0;
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', lineStart)) {
    line++;
    lineStart = at + 1;
  }
  const column = characterCount(text.slice(lineStart)) + (lineStart > 0 ? 1 : position.column);
  return { line, column, offset: position.offset + characterCount(text) };
}

module.exports = { START, advance, characterCount, dropCharacters, lastCharacter, trailingBackslashes, trim };
