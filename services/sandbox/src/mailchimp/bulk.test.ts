import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest'
import { type Sandbox, startSandbox } from '../index.ts'
import { type Answer, clientOf, md5 } from './test-client.ts'

let sandbox: Sandbox
let call: (method: string, path: string, body?: unknown) => Promise<Answer>
let list = ''

beforeAll(async () => {
  sandbox = await startSandbox({ port: 0, vendors: ['mailchimp'] })
  call = clientOf(sandbox.mailchimp)
  list = sandbox.mailchimp.control.audiences()[0]?.id ?? ''
})
afterAll(() => sandbox.stop())
beforeEach(() => sandbox.mailchimp.control.reset())

const people = (count: number, status = 'unsubscribed') =>
  Array.from({ length: count }, (_, n) => ({ email_address: `person-${n + 1}@example.com`, status }))

it('adds the new, updates the known, and says which is which', async () => {
  sandbox.mailchimp.control.seedMembers(list, { count: 2 })
  const { status, json } = await call('POST', `/lists/${list}`, { members: people(3), update_existing: true })
  expect(status).toBe(200)
  expect(json).toMatchObject({ total_created: 1, total_updated: 2, error_count: 0, errors: [] })
  expect(json.new_members).toMatchObject([{ email_address: 'person-3@example.com', status: 'unsubscribed' }])
})

it('takes 500 and refuses 501', async () => {
  expect((await call('POST', `/lists/${list}`, { members: people(500) })).json.total_created).toBe(500)
  expect(await call('POST', `/lists/${list}`, { members: people(501) })).toMatchObject({
    status: 400,
    json: { errors: [{ field: 'members' }] },
  })
})

it('answers 200 when every single contact was refused', async () => {
  sandbox.mailchimp.control.seedMembers(list, { count: 2 })
  const { status, json } = await call('POST', `/lists/${list}`, { members: people(2) })
  expect(status).toBe(200)
  expect(json).toMatchObject({
    error_count: 2,
    errors: [{ email_address: 'person-1@example.com', error_code: 'ERROR_CONTACT_EXISTS' }, {}],
  })
})

it('refuses one contact and takes the others', async () => {
  sandbox.mailchimp.control.seedMember(list, 'person-2@example.com', 'subscribed')
  sandbox.mailchimp.control.act(list, 'person-2@example.com', 'bounces')
  sandbox.mailchimp.control.seedMember(list, 'person-3@example.com')
  await call('POST', `/lists/${list}/members/${md5('person-3@example.com')}/actions/delete-permanent`)
  const { json } = await call('POST', `/lists/${list}`, {
    members: [...people(3), { email_address: 'nonsense', status: 'unsubscribed' }],
    update_existing: true,
  })
  expect(json).toMatchObject({ total_created: 1, error_count: 3 })
  expect(json.errors.map(({ email_address, error_code }: Record<string, string>) => [email_address, error_code])).toEqual([
    ['person-2@example.com', 'ERROR_GENERIC'],
    ['person-3@example.com', 'ERROR_GENERIC'],
    ['nonsense', 'ERROR_GENERIC'],
  ])
})

it('names a required merge field in the error, unless its check is skipped', async () => {
  const workshops = sandbox.mailchimp.control.audiences()[1]?.id ?? ''
  const refused = await call('POST', `/lists/${workshops}`, { members: people(1) })
  expect(refused.json.errors).toMatchObject([{ error_code: 'ERROR_GENERIC', field: 'FNAME', field_message: 'Please enter a value' }])
  expect((await call('POST', `/lists/${workshops}?skip_merge_validation=true`, { members: people(1) })).json.total_created).toBe(1)
})

it('refuses the whole request when a contact does not fit the schema', async () => {
  const bad = [
    [{ email_address: 'a@example.com', status: 'archived' }, 'members.item:0.status'],
    [{ email_address: 'a@example.com' }, 'members.item:0.status'],
    [{ status: 'unsubscribed' }, 'members.item:0.email_address'],
    [{ email_address: 'a@example.com', status: 'unsubscribed', marketing_permissions: [] }, 'members.item:0.marketing_permissions'],
  ]
  for (const [member, field] of bad) {
    expect(await call('POST', `/lists/${list}`, { members: [member] })).toMatchObject({ status: 400, json: { errors: [{ field }] } })
  }
})

it('refuses the second of two contacts with one address, or keeps quiet about it when told to', async () => {
  const twice = [
    { email_address: 'a@example.com', status: 'unsubscribed' },
    { email_address: 'A@example.com', status: 'subscribed' },
  ]
  expect((await call('POST', `/lists/${list}`, { members: twice })).json).toMatchObject({ total_created: 1, error_count: 1 })
  sandbox.mailchimp.control.reset()
  expect((await call('POST', `/lists/${list}?skip_duplicate_check=true`, { members: twice })).json).toMatchObject({
    total_created: 1,
    error_count: 0,
  })
  expect(sandbox.mailchimp.control.person({ address: 'a@example.com' })).toMatchObject([{ status: 'unsubscribed' }])
})

it('refuses a poisoned contact alone, and can leave one out without a word', async () => {
  sandbox.mailchimp.control.seedMembers(list, { count: 3 })
  sandbox.mailchimp.control.misbehave({ kind: 'poison', match: { address: 'person-1@example.com' } })
  sandbox.mailchimp.control.misbehave({ kind: 'skipped-silently', match: { address: 'person-2@example.com' } })
  const { json } = await call('POST', `/lists/${list}`, { members: people(3), update_existing: true })
  expect(json).toMatchObject({ total_updated: 1, error_count: 1, errors: [{ email_address: 'person-1@example.com' }] })
  expect(JSON.stringify(json)).not.toContain('person-2@example.com')
})
