import { parseArgs } from 'node:util'
import { VerificationInputError, verifyFile } from './verification.ts'

const usage = `usage: node heed-verify.mjs <bundle> --key <public key> [--key …] [--witness <public key>]… [--witnesses <count>] [--against <checkpoint file>]… [--json]

Checks an evidence bundle without Heed: it reads the files that are named here, and nothing else.
Exit code 0: proved. 1: not proved, the lines say what is wrong. 2: the file or a key cannot be read.
`

function main(args: readonly string[]): number {
  try {
    const { values, positionals } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        key: { type: 'string', multiple: true, default: [] },
        witness: { type: 'string', multiple: true, default: [] },
        witnesses: { type: 'string', default: '0' },
        against: { type: 'string', multiple: true, default: [] },
        json: { type: 'boolean', default: false },
        help: { type: 'boolean', default: false },
      },
    })
    if (values.help) {
      process.stdout.write(usage)
      return 0
    }
    const [file, ...others] = positionals
    if (file === undefined || others.length > 0) throw new VerificationInputError('name one bundle; --help says how')
    const { key: keys, witness: witnesses, against } = values
    const verified = verifyFile({ file, keys, witnesses, against, minWitnesses: Number(values.witnesses) })
    process.stdout.write(values.json ? `${JSON.stringify(verified.document)}\n` : `${verified.lines.join('\n')}\n`)
    return verified.code
  } catch (thrown) {
    const isUsage = thrown instanceof TypeError && String((thrown as NodeJS.ErrnoException).code).startsWith('ERR_PARSE_ARGS')
    if (!isUsage && !(thrown instanceof VerificationInputError)) throw thrown
    process.stderr.write(`heed-verify: ${thrown.message.split('\n')[0]}\n`)
    return 2
  }
}

process.exitCode = main(process.argv.slice(2))
