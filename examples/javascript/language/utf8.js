'use strict';
// Syntax/encoding: UTF-8 in pieces. TextDecoder would not tell what stood before a fault.

/** Length of the character that a byte begins, and the bounds of the byte after it; undefined if it begins none. */
function leadByte(byte) {
  if (byte < 0x80) return { length: 1 };
  if (byte >= 0xc2 && byte <= 0xdf) return { length: 2, low: 0x80, high: 0xbf };
  if (byte >= 0xe0 && byte <= 0xef) {
    return { length: 3, low: byte === 0xe0 ? 0xa0 : 0x80, high: byte === 0xed ? 0x9f : 0xbf };
  }
  if (byte >= 0xf0 && byte <= 0xf4) {
    return { length: 4, low: byte === 0xf0 ? 0x90 : 0x80, high: byte === 0xf4 ? 0x8f : 0xbf };
  }
  return undefined;
}

class Utf8Decoder {
  constructor() {
    this.begun = Buffer.alloc(0); // bytes of a character that is not complete
    this.broken = false;
  }

  /** The whole characters that this piece completes, up to where it stops being UTF-8. */
  feed(bytes) {
    const all = Buffer.concat([this.begun, bytes]);
    let end = 0;
    while (end < all.length) {
      const size = this.characterAt(all, end);
      if (size === 0) break;
      end += size;
    }
    this.begun = all.subarray(end);
    return all.toString('utf8', 0, end);
  }

  /** Bytes of the character at `start`; 0 if it is not complete, or (`broken`) none. */
  characterAt(bytes, start) {
    const lead = leadByte(bytes[start]);
    for (let i = 1; lead && i < lead.length; i++) {
      if (start + i === bytes.length) return 0;
      const [low, high] = i === 1 ? [lead.low, lead.high] : [0x80, 0xbf];
      if (bytes[start + i] < low || bytes[start + i] > high) {
        this.broken = true;
        return 0;
      }
    }
    if (!lead) this.broken = true;
    return lead ? lead.length : 0;
  }

  /** The input ends: a begun character is none. */
  end() {
    if (this.begun.length > 0) this.broken = true;
  }
}

module.exports = { Utf8Decoder };
