import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { flipped } from './built-log.ts'
import { formatCheckpoint } from './checkpoint.ts'
import { MerkleLogError } from './errors.ts'
import { generateSignerKey, isKeyName, parseSignerKey, parseVerifierKey, verifierOf } from './keys.ts'
import { cosign, formatNote, formatSignature, openNote, parseNote, signNote } from './note.ts'
import { C2SP_COSIGNED, C2SP_NOTE, C2SP_POEM, GO_NOTE, GO_SUMDB, WITNESSED } from './published-vectors.ts'

// any UTF-16 unit, lone surrogates and control characters among them
const unit = fc.nat(0xffff).map((code) => String.fromCharCode(code))

const { text, peterLine, enochLine } = GO_NOTE
const peter = parseVerifierKey(GO_NOTE.peter)
const enoch = parseVerifierKey(GO_NOTE.enoch)
const log = generateSignerKey('example.com/log', 'ed25519')
const witness = generateSignerKey('witness.example.com', 'cosignature-v1')
const checkpoint = formatCheckpoint({ origin: 'example.com/log', size: 7, rootHash: new Uint8Array(32).fill(9), extensions: [] })

describe('a signed note', () => {
  it('of the Go documentation is signed the same', () => {
    expect(formatNote(signNote(text, [parseSignerKey(GO_NOTE.peterSecret)]))).toBe(`${text}\n${peterLine}`)
  })

  it.each([
    ['the Go documentation', `${text}\n${peterLine}`, GO_NOTE.peter],
    ['the C2SP page', C2SP_NOTE.note, C2SP_NOTE.key],
    ["Go's checksum database", GO_SUMDB.checkpoint, GO_SUMDB.key],
    ['a log of certificates', WITNESSED.checkpoint, WITNESSED.logKey],
    ['a log of certificates and its witness', WITNESSED.checkpoint, WITNESSED.witnessKey],
  ])('of %s is believed, as text and as bytes', (_, note, vkey) => {
    const keys = [parseVerifierKey(vkey)]
    expect(openNote(note, keys)).toMatchObject({
      ok: true,
      text: note.slice(0, note.lastIndexOf('\n\n') + 1),
      verified: [{ key: keys[0] }],
    })
    expect(openNote(Buffer.from(note), keys).ok).toBe(true)
  })

  it('tells the signatures of known keys from those of unknown ones', () => {
    const both = `${text}\n${peterLine}${enochLine}`
    expect(openNote(both, [peter])).toMatchObject({
      ok: true,
      verified: [{ key: peter }],
      unknown: [{ name: 'EnochRoot', keyId: 'af0cfe78' }],
    })
    expect(openNote(both, [peter, enoch])).toMatchObject({ ok: true, verified: [{ key: peter }, { key: enoch }], unknown: [] })
    expect(openNote(both, [])).toMatchObject({ ok: false, reason: 'note.unknown-signers' })
  })

  it('ignores a signature that shares the name or the id, but not both, with a known key', () => {
    const stranger = { ...peter, name: 'Peter' }
    const namesake = { ...peter, keyId: 'c74f20a4' }
    expect(openNote(`${text}\n${peterLine}`, [stranger, namesake])).toMatchObject({ ok: false, reason: 'note.unknown-signers' })
    expect(openNote(`${text}\n${peterLine}`, [stranger, namesake, peter])).toMatchObject({ ok: true })
  })

  it('is not believed when one known signature is wrong, even beside a right one', () => {
    const forged = enochLine.replace('rwz+eBzm', 'rwz+eBzn')
    expect(openNote(`${text}\n${peterLine}${forged}`, [peter, enoch])).toMatchObject({
      ok: false,
      reason: 'note.signature',
      detail: expect.stringContaining('EnochRoot+af0cfe78'),
    })
    expect(openNote(`${text}\n${peterLine}${forged}`, [peter])).toMatchObject({ ok: true })
    expect(openNote(`${text.replace('think', 'drink')}\n${peterLine}`, [peter])).toMatchObject({ ok: false, reason: 'note.signature' })
  })

  it('may have an empty line in its text', () => {
    const note = parseNote(C2SP_POEM)
    expect(note.text).toMatch(/^Ognuno sta[\s\S]*\n\ned è subito sera\.\n$/)
    expect(formatNote(note)).toBe(C2SP_POEM)
  })

  it('has both signatures while one key takes over from another', () => {
    const next = generateSignerKey('example.com/log', 'ed25519')
    const note = formatNote(signNote(text, [log, next]))
    for (const key of [log, next])
      expect(openNote(note, [verifierOf(key)])).toMatchObject({ ok: true, unknown: [{ name: 'example.com/log' }] })
  })

  it('is read back as what was written', () => {
    const line = fc.string({ unit, maxLength: 20 }).map((each) => each.replaceAll(/[\p{Cc}\p{Surrogate}]/gu, ''))
    const name = fc.string({ minLength: 1, maxLength: 20, unit }).filter(isKeyName)
    const signature = fc.record({
      name,
      keyId: fc.stringMatching(/^[0-9a-f]{8}$/),
      signature: fc.uint8Array({ minLength: 1, maxLength: 90 }),
    })
    fc.assert(
      fc.property(fc.array(line, { minLength: 1 }), fc.array(signature, { minLength: 1, maxLength: 20 }), (lines, signatures) => {
        const note = { text: `${lines.join('\n')}\n`, signatures }
        expect(parseNote(formatNote(note))).toEqual(note)
      }),
    )
  })

  it('is not written when it could not be read back', () => {
    const signatures = [{ name: 'a', keyId: '00000000', signature: Uint8Array.of(1) }]
    const [one = { name: '', keyId: '', signature: new Uint8Array(0) }] = signatures
    for (const note of [
      { text: 'no newline', signatures },
      { text: '', signatures },
      { text: 'tab\t\n', signatures },
      { text: '\ud800\n', signatures },
      { text: `${'a'.repeat(1_000_000)}\n`, signatures },
      { text, signatures: [] },
      { text, signatures: Array(101).fill(one) },
      { text, signatures: [{ ...one, name: 'a b' }] },
      { text, signatures: [{ ...one, keyId: '0000' }] },
      { text, signatures: [{ ...one, signature: new Uint8Array(0) }] },
    ]) {
      expect(() => formatNote(note)).toThrow(MerkleLogError)
    }
    expect(() => signNote('no newline', [log])).toThrow(MerkleLogError)
    expect(() => signNote(text, [])).toThrow(MerkleLogError)
    expect(() => signNote(text, [witness])).toThrow(expect.objectContaining({ reason: 'unsupported.key-type' }))
  })

  // the first seven: golang.org/x/mod/sumdb/note, TestOpen
  it.each<[string, string | Uint8Array]>([
    ['no signature', text],
    ['nothing after the blank line', `${text}\n`],
    ['no newline at the end', `${text}\n${peterLine.slice(0, -1)}`],
    ['a control character', `\u0001${text}\n${peterLine}`],
    ['bytes that are not UTF-8', Buffer.concat([Buffer.of(0xff), Buffer.from(`${text}\n${peterLine}`)])],
    ['a space in a name', `${text}\n${peterLine.replace('PeterNeumann', 'Peter Neumann')}`],
    ['another line among the signatures', `${text}\n${peterLine}Unexpected line.\n`],
    ['nothing', ''],
    ['two newlines at the end', `${text}\n${peterLine}\n`],
    ['a carriage return', `${text}\n${peterLine.replace('\n', '\r\n')}`],
    ['a tab', `${text}\n${peterLine.replace(' PeterNeumann ', '\tPeterNeumann ')}`],
    ['a hyphen for the dash', `${text}\n${peterLine.replace('\u2014', '-')}`],
    ['an en dash for the dash', `${text}\n${peterLine.replace('\u2014', '\u2013')}`],
    ['no dash', `${text}\n${peterLine.slice(2)}`],
    ['two spaces', `${text}\n${peterLine.replace('PeterNeumann ', 'PeterNeumann  ')}`],
    ['a space at the end of a line', `${text}\n${peterLine.replace('\n', ' \n')}`],
    ['a plus in a name', `${text}\n${peterLine.replace('PeterNeumann', 'Peter+Neumann')}`],
    ['base64 without padding', `${text}\n${peterLine.replace('=', '')}`],
    ['base64 with bits left over', `${text}\n${peterLine.replace('AM=', 'AN=')}`],
    ['base64 of the URL alphabet', `${text}\n${peterLine.replace('/', '_')}`],
    ['a key id and nothing more', `${text}\n\u2014 PeterNeumann x08gow==\n`],
    ['a lone surrogate', `\ud800${text}\n${peterLine}`],
    ['101 signatures', `${text}\n${peterLine.repeat(101)}`],
    ['more than a million bytes', `${'a'.repeat(1_000_000)}\n\n${peterLine}`],
  ])('is not one with %s', (_, note) => {
    expect(() => parseNote(note)).toThrow(expect.objectContaining({ reason: 'malformed.note' }))
    expect(openNote(note, [peter])).toMatchObject({ ok: false, reason: 'note.malformed' })
  })

  it('may have sixteen signatures and more, also long ones', () => {
    const long = Array.from({ length: 99 }, (_, at) => ({ name: `w${at}`, keyId: '00000001', signature: new Uint8Array(5_000) }))
    const note = formatNote({ text, signatures: [...parseNote(`${text}\n${peterLine}`).signatures, ...long] })
    expect(openNote(note, [peter])).toMatchObject({ ok: true, unknown: { length: 99 } })
  })

  it('is not believed with any bit changed', () => {
    const note = Buffer.from(`${text}\n${peterLine}`)
    for (let bit = 0; bit < note.length * 8; bit += 3) {
      const changed = openNote(flipped(note, bit), [peter])
      if (changed.ok) expect.unreachable(`bit ${bit}`)
    }
  })

  it('is answered by a verdict, never by an error, when it is garbage', () => {
    const garbage = fc.oneof(
      fc.uint8Array({ maxLength: 300 }),
      fc.string({ unit, maxLength: 300 }),
      fc
        .array(fc.constantFrom('\n', '\u2014', ' ', 'PeterNeumann', 'x08go/ZJ', '=', 'a', '0'), { maxLength: 40 })
        .map((parts) => parts.join('')),
    )
    fc.assert(
      fc.property(garbage, (note) => {
        expect(openNote(note, [peter, verifierOf(witness)]).ok).toBe(false)
      }),
      { numRuns: 500 },
    )
  })
})

describe('a cosignature', () => {
  it('of the C2SP page was made at the time that the page says', () => {
    const [, cosignature] = parseNote(C2SP_COSIGNED).signatures
    expect(cosignature).toMatchObject({ name: 'witness.example.com/w1', keyId: '8d66cf3f', signature: { length: 72 } })
    expect(Buffer.from(cosignature?.signature ?? []).readBigUInt64BE()).toBe(1_679_315_147n)
  })

  it('of a real witness is believed, with its time', () => {
    const key = parseVerifierKey(WITNESSED.witnessKey)
    expect(openNote(WITNESSED.checkpoint, [key])).toMatchObject({
      ok: true,
      verified: [{ key, atSeconds: WITNESSED.atSeconds }],
      unknown: { length: 5 },
    })
  })

  it('is added to the signature of the log, and covers the time and every line', () => {
    const note = cosign(signNote(checkpoint, [log]), witness, 1_800_000_000)
    const keys = [verifierOf(log), verifierOf(witness)]
    expect(openNote(formatNote(note), keys)).toMatchObject({ ok: true, verified: [{ atSeconds: undefined }, { atSeconds: 1_800_000_000 }] })
    const later = {
      ...note,
      signatures: note.signatures.map((each) => (each.name === witness.name ? { ...each, signature: flipped(each.signature, 56) } : each)),
    }
    expect(openNote(formatNote(later), keys)).toMatchObject({ ok: false, reason: 'note.signature' })
    expect(openNote(formatNote({ ...note, text: `${checkpoint}more\n` }), [verifierOf(witness)])).toMatchObject({
      ok: false,
      reason: 'note.signature',
    })
  })

  it('by the same key takes the place of the earlier one', () => {
    const twice = cosign(cosign(signNote(checkpoint, [log]), witness, 1), witness, 2)
    expect(twice.signatures).toHaveLength(2)
    expect(openNote(formatNote(twice), [verifierOf(witness)])).toMatchObject({ ok: true, verified: [{ atSeconds: 2 }] })
  })

  it('is not a plain signature of the same key, nor the other way round', () => {
    const plain = verifierOf({ ...witness, type: 'ed25519' })
    const note = cosign(signNote(checkpoint, [log]), witness, 1)
    expect(openNote(formatNote(note), [plain])).toMatchObject({ ok: false, reason: 'note.signature' })
  })

  it('is made of a checkpoint only, by a key of a witness only, at a time only', () => {
    const note = signNote(checkpoint, [log])
    expect(() => cosign(signNote(text, [log]), witness, 1)).toThrow(expect.objectContaining({ reason: 'malformed.checkpoint' }))
    expect(() => cosign(note, log, 1)).toThrow(expect.objectContaining({ reason: 'unsupported.key-type' }))
    for (const time of [-1, 1.5, Number.NaN, 2 ** 53])
      expect(() => cosign(note, witness, time)).toThrow(expect.objectContaining({ reason: 'invalid.range' }))
  })

  it('on a text that is no checkpoint, or with a time that no clock has, is wrong', () => {
    const line = (signature: Uint8Array) => formatSignature({ name: witness.name, keyId: witness.keyId, signature })
    const time = new Uint8Array(72).fill(0xff)
    expect(openNote(`${text}\n${line(new Uint8Array(72))}\n`, [verifierOf(witness)])).toMatchObject({ ok: false, reason: 'note.signature' })
    expect(openNote(`${checkpoint}\n${line(time)}\n`, [verifierOf(witness)])).toMatchObject({ ok: false, reason: 'note.signature' })
    for (const length of [1, 7, 8, 64, 71, 73]) {
      const note = `${checkpoint}\n${line(new Uint8Array(length))}\n`
      expect(openNote(note, [verifierOf(witness)])).toMatchObject({ ok: false, reason: 'note.signature' })
    }
  })
})
