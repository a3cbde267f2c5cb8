import { expect, it } from 'vitest'
import { readConfig, SandboxConfigError } from './config.ts'

it('has a default for everything', () => {
  expect(readConfig({})).toMatchObject({ logLevel: 'info', options: { host: '127.0.0.1', port: 7170, hashedEmail: { sftpPort: 7171 } } })
  expect(readConfig({}).options).not.toHaveProperty('dataDir')
})

it('reads every variable, and takes an empty one as absent', () => {
  const { options } = readConfig({
    SANDBOX_PORT: '0',
    SANDBOX_DATA_DIR: 'somewhere',
    SANDBOX_VENDORS: 'mailchimp, hashed-email',
    SANDBOX_SFTP_PARTNERS: 'partner:plain-sha256-hex,ads:google-sha256:base64',
    SANDBOX_SEED: '',
  })
  expect(options).toMatchObject({
    port: 0,
    dataDir: 'somewhere',
    seed: 'heed',
    vendors: ['mailchimp', 'hashed-email'],
    hashedEmail: {
      partners: [
        { name: 'partner', profile: 'plain-sha256-hex' },
        { name: 'ads', profile: 'google-sha256', encoding: 'base64' },
      ],
    },
  })
})

it('names every variable that is wrong, at once', () => {
  const wrong = {
    SANDBOX_PORT: 'seventy',
    SANDBOX_VENDORS: 'mailgun',
    SANDBOX_SFTP_PARTNERS: 'partner:rot13',
    SANDBOX_MAILCHIMP_API_KEY: 'no-data-center',
    SANDBOX_LOG_LEVEL: 'loud',
  }
  expect(() => readConfig(wrong)).toThrow(SandboxConfigError)
  for (const name of Object.keys(wrong)) expect(() => readConfig(wrong)).toThrow(name)
  expect(() => readConfig({ SANDBOX_SFTP_AUTHORIZED_KEYS_FILE: 'nowhere' })).toThrow('SANDBOX_SFTP_AUTHORIZED_KEYS_FILE')
})
