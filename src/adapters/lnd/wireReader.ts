/** The protobuf wire format, as much as one message needs. Throws a RangeError or TypeError on malformed input. */
export class WireReader {
  readonly #bytes: Uint8Array;
  readonly #end: number;
  #at = 0;
  /** The varint read last, as two unsigned halves. */
  #low = 0;
  #high = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#end = bytes.length;
  }

  get atEnd(): boolean {
    return this.#at >= this.#end;
  }

  /** Field number and wire type. */
  tag(): number {
    const tag = this.uint32();
    if (tag >>> 3 === 0) throw new TypeError('protobuf: field number 0');
    return tag;
  }

  /** A varint's low 32 bits, unsigned. */
  uint32(): number {
    const first = this.#bytes[this.#at];
    if (first !== undefined && first < 0x80) {
      this.#at++;
      return first;
    }
    this.#varint();
    return this.#low;
  }

  uint64(): bigint {
    this.#varint();
    return this.#high === 0 ? BigInt(this.#low) : (BigInt(this.#high) << 32n) | BigInt(this.#low);
  }

  /** A length-delimited field, as a slice. */
  bytes(): Uint8Array {
    const length = this.uint32();
    const start = this.#at;
    this.#advance(length);
    return this.#bytes.subarray(start, this.#at);
  }

  /** Passes over a field that nobody reads. */
  skip(tag: number): void {
    switch (tag & 7) {
      case 0:
        this.#varint();
        break;
      case 1:
        this.#advance(8);
        break;
      case 2:
        this.#advance(this.uint32());
        break;
      case 5:
        this.#advance(4);
        break;
      default:
        throw new TypeError(`protobuf: wire type ${tag & 7}`);
    }
  }

  #advance(length: number): void {
    if (length > this.#end - this.#at) throw new RangeError('protobuf: field longer than the message');
    this.#at += length;
  }

  #varint(): void {
    let low = 0;
    let high = 0;
    for (let shift = 0; shift < 70; shift += 7) {
      if (this.#at >= this.#end) throw new RangeError('protobuf: varint longer than the message');
      const byte = this.#bytes[this.#at++]!;
      const bits = byte & 0x7f;
      if (shift < 28) low |= bits << shift;
      else if (shift === 28) {
        low |= bits << 28;
        high = bits >>> 4;
      } else high |= bits << (shift - 32);
      if (byte < 0x80) {
        this.#low = low >>> 0;
        this.#high = high >>> 0;
        return;
      }
    }
    throw new RangeError('protobuf: varint longer than 10 bytes');
  }
}
