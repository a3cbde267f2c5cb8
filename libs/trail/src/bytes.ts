import { mongo } from 'mongoose'

/** The bytes that a row holds. */
export function bytesOf(binary: mongo.Binary): Uint8Array {
  return binary.buffer.subarray(0, binary.position)
}

/** Bytes as a row holds them. */
export function binaryOf(bytes: Uint8Array): mongo.Binary {
  return new mongo.Binary(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length))
}
