import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Checkpoint, formatCheckpoint, parseCheckpoint } from './checkpoint.ts'
import { MerkleLogError } from './errors.ts'
import { EMPTY_ROOT } from './hash.ts'
import { generateSignerKey, parseVerifierKey, verifierKey, verifierOf } from './keys.ts'
import { cosign, formatNote, signNote } from './note.ts'
import { base64, C2SP_COSIGNED, GO_SUMDB, WITNESSED } from './published-vectors.ts'
import { claimedCheckpoint, verifyCheckpoint } from './trust.ts'

// any UTF-16 unit, lone surrogates and control characters among them
const unit = fc.nat(0xffff).map((code) => String.fromCharCode(code))

const origin = 'example.com/log'
const log = generateSignerKey(origin, 'ed25519')
const [one, two] = [generateSignerKey('one.example.com', 'cosignature-v1'), generateSignerKey('two.example.org', 'cosignature-v1')]
const body: Checkpoint = { origin, size: 7, rootHash: new Uint8Array(32).fill(9), extensions: [] }
const signed = signNote(formatCheckpoint(body), [log])
const policy = { origin, logKeys: [verifierOf(log)] }

describe('a checkpoint', () => {
  it('of the C2SP page is read and written the same', () => {
    const text = C2SP_COSIGNED.slice(0, C2SP_COSIGNED.indexOf('\n\n') + 1)
    const checkpoint = parseCheckpoint(text)
    expect(checkpoint).toEqual({
      origin: 'example.com/behind-the-sofa',
      size: 20_852_163,
      rootHash: base64('CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I='),
      extensions: [],
    })
    expect(formatCheckpoint(checkpoint)).toBe(text)
  })

  it('is read back as what was written', () => {
    const line = fc.string({ unit, minLength: 1, maxLength: 30 }).filter((text) => !/[\p{Cc}\p{Surrogate}]/u.test(text))
    fc.assert(
      fc.property(line, fc.maxSafeNat(), fc.uint8Array({ minLength: 32, maxLength: 32 }), fc.array(line), (name, n, root, extensions) => {
        const checkpoint = { origin: name, size: n, rootHash: n === 0 ? EMPTY_ROOT : root, extensions }
        expect(parseCheckpoint(formatCheckpoint(checkpoint))).toEqual(checkpoint)
      }),
    )
  })

  it('claims what it says, whoever signed it, and a text that is none claims nothing', () => {
    const stranger = generateSignerKey('another.example.org', 'ed25519')
    expect(claimedCheckpoint(formatNote(signNote(formatCheckpoint(body), [stranger])))).toEqual(body)
    expect(claimedCheckpoint(formatNote(signNote('no checkpoint\n', [log])))).toBeUndefined()
    expect(claimedCheckpoint('no note')).toBeUndefined()
  })

  const root = 'CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I='
  it.each([
    '',
    '\n',
    `a\n1\n${root}`,
    `a\n1\n`,
    `\n1\n${root}\n`,
    `a\n\n${root}\n`,
    `a\n01\n${root}\n`,
    `a\n+1\n${root}\n`,
    `a\n-1\n${root}\n`,
    `a\n1.0\n${root}\n`,
    `a\n1e3\n${root}\n`,
    `a\n0x1\n${root}\n`,
    `a\n 1\n${root}\n`,
    `a\n1 \n${root}\n`,
    `a\n\u0661\n${root}\n`,
    `a\n9007199254740992\n${root}\n`,
    `a\n${'9'.repeat(400)}\n${root}\n`,
    `a\n1\n${root.slice(0, -1)}\n`,
    `a\n1\n${root.replace('2I=', '2J=')}\n`,
    `a\n1\n${root.replace('/', '_')}\n`,
    `a\n1\nAAAA\n`,
    `a\n1\n${root}${root}\n`,
    `a\n0\n${root}\n`,
    `a\n1\n${root}\n\n`,
    `a\n1\n${root}\n\nextension\n`,
    `a\r\n1\r\n${root}\r\n`,
    `a\n1\n${root}\nextension`,
    `a\n1\n${root}\nexten\u0000sion\n`,
  ])('is not %j', (text) => {
    expect(() => parseCheckpoint(text)).toThrow(expect.objectContaining({ reason: 'malformed.checkpoint' }))
  })

  it('is not written when it could not be read back', () => {
    for (const wrong of [
      { origin: '' },
      { origin: 'a\nb' },
      { origin: '\ud800' },
      { size: -1 },
      { size: 1.5 },
      { size: 0 },
      { rootHash: new Uint8Array(31) },
      { extensions: [''] },
      { extensions: ['a\nb'] },
      { extensions: ['a'.repeat(1_000_000)] },
    ]) {
      expect(() => formatCheckpoint({ ...body, ...wrong })).toThrow(MerkleLogError)
    }
  })
})

describe('trust in a checkpoint', () => {
  it('follows from a signature of the log that was asked for', () => {
    expect(verifyCheckpoint(formatNote(signed), policy)).toEqual({ ok: true, checkpoint: body, signedBy: policy.logKeys, witnessedBy: [] })
    expect(
      verifyCheckpoint(GO_SUMDB.checkpoint, { origin: 'go.sum database tree', logKeys: [parseVerifierKey(GO_SUMDB.key)] }),
    ).toMatchObject({
      ok: true,
      checkpoint: { size: 49_189_689 },
    })
  })

  it('follows from a real log and its real witness', () => {
    const trusted = {
      origin: 'arche2025h1.staging.ct.transparency.dev',
      logKeys: [parseVerifierKey(WITNESSED.logKey)],
      witnessKeys: [parseVerifierKey(WITNESSED.witnessKey)],
      minWitnesses: 1,
    }
    expect(verifyCheckpoint(WITNESSED.checkpoint, trusted)).toMatchObject({
      ok: true,
      checkpoint: { size: 1_432_088_532 },
      signedBy: trusted.logKeys,
      witnessedBy: [{ key: { name: 'remora.n621.de' }, atSeconds: WITNESSED.atSeconds }],
    })
    expect(verifyCheckpoint(WITNESSED.checkpoint, { ...trusted, minWitnesses: 2 })).toMatchObject({
      ok: false,
      reason: 'checkpoint.witnesses',
    })
  })

  it('does not follow from the signature of another key, of another log, or on something else', () => {
    const stranger = verifierOf(generateSignerKey(origin, 'ed25519'))
    expect(verifyCheckpoint(formatNote(signed), { origin, logKeys: [stranger] })).toMatchObject({ reason: 'note.unknown-signers' })
    expect(verifyCheckpoint(formatNote(signed), { ...policy, origin: 'example.com/other' })).toMatchObject({ reason: 'checkpoint.origin' })
    expect(verifyCheckpoint(formatNote(signNote('hello\n', [log])), policy)).toMatchObject({ reason: 'checkpoint.malformed' })
    expect(verifyCheckpoint('hello', policy)).toMatchObject({ reason: 'note.malformed' })
    expect(verifyCheckpoint(formatNote({ ...signed, text: signed.text.replace('7', '8') }), policy)).toMatchObject({
      reason: 'note.signature',
    })
  })

  it('does not follow from witnesses alone', () => {
    const note = cosign(cosign({ text: signed.text, signatures: [] }, one, 1), two, 1)
    expect(
      verifyCheckpoint(formatNote(note), { ...policy, witnessKeys: [verifierOf(one), verifierOf(two)], minWitnesses: 2 }),
    ).toMatchObject({
      reason: 'checkpoint.log-signature',
    })
  })

  it('asks for as many different witnesses as the policy says', () => {
    const witnessKeys = [verifierOf(one), verifierOf(two)]
    const once = cosign(signed, one, 5)
    const need = (minWitnesses: number) => ({ ...policy, witnessKeys, minWitnesses })
    expect(verifyCheckpoint(formatNote(once), need(1))).toMatchObject({
      ok: true,
      witnessedBy: [{ key: { name: 'one.example.com' }, atSeconds: 5 }],
    })
    expect(verifyCheckpoint(formatNote(once), need(2))).toMatchObject({
      reason: 'checkpoint.witnesses',
      detail: expect.stringContaining('1 of'),
    })
    expect(verifyCheckpoint(formatNote(cosign(once, two, 6)), need(2))).toMatchObject({ ok: true })
    expect(verifyCheckpoint(formatNote(cosign(once, two, 6)), need(Number.NaN))).toMatchObject({ reason: 'checkpoint.witnesses' })
  })

  it('counts a witness once, under however many names, and the log itself not at all', () => {
    const alias = { ...one, ...verifierKey('alias.example.com', 'cosignature-v1', one.publicKey) }
    const witnessKeys = [verifierOf(one), verifierOf(alias)]
    const note = cosign(cosign(signed, one, 5), alias, 5)
    expect(verifyCheckpoint(formatNote(note), { ...policy, witnessKeys, minWitnesses: 2 })).toMatchObject({
      reason: 'checkpoint.witnesses',
    })
    const self = { ...log, ...verifierKey('self.example.com', 'cosignature-v1', log.publicKey) }
    expect(
      verifyCheckpoint(formatNote(cosign(signed, self, 5)), { ...policy, witnessKeys: [verifierOf(self)], minWitnesses: 1 }),
    ).toMatchObject({
      reason: 'checkpoint.witnesses',
    })
  })

  it('does not take a plain signature for that of a witness', () => {
    const plain = generateSignerKey('plain.example.com', 'ed25519')
    const note = signNote(signed.text, [log, plain])
    expect(verifyCheckpoint(formatNote(note), { ...policy, witnessKeys: [verifierOf(plain)], minWitnesses: 1 })).toMatchObject({
      reason: 'checkpoint.witnesses',
    })
  })

  it('holds with the old key, the new one and both while the log changes keys', () => {
    const next = generateSignerKey(origin, 'ed25519')
    const note = formatNote(signNote(signed.text, [log, next]))
    for (const logKeys of [[verifierOf(log)], [verifierOf(next)], [verifierOf(log), verifierOf(next)]]) {
      expect(verifyCheckpoint(note, { origin, logKeys })).toMatchObject({ ok: true, signedBy: logKeys })
    }
  })
})
