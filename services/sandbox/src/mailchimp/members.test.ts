import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type Sandbox, startSandbox } from '../index.ts'
import { type Answer, clientOf, md5 } from './test-client.ts'

let sandbox: Sandbox
let call: (method: string, path: string, body?: unknown) => Promise<Answer>
let newsletter = ''
let workshops = ''
const ada = 'ada@example.com'

beforeAll(async () => {
  sandbox = await startSandbox({ port: 0, vendors: ['mailchimp'] })
  call = clientOf(sandbox.mailchimp)
  const [first, second] = sandbox.mailchimp.control.audiences()
  newsletter = first?.id ?? ''
  workshops = second?.id ?? ''
})
afterAll(() => sandbox.stop())
beforeEach(() => {
  sandbox.mailchimp.control.reset()
  sandbox.mailchimp.control.seedMember(newsletter, ada, 'subscribed', { interests: { promotions: true } })
})

const member = (address: string, list = newsletter): string => `/lists/${list}/members/${md5(address)}`
const statusOf = (address: string): string | undefined =>
  sandbox.mailchimp.control.person({ address }).find(({ listId }) => listId === newsletter)?.status

describe('PATCH', () => {
  it('unsubscribes a contact and answers with the contact', async () => {
    const answer = await call('PATCH', member(ada), { status: 'unsubscribed' })
    expect(answer).toMatchObject({ status: 200, json: { id: md5(ada), status: 'unsubscribed', email_address: ada, list_id: newsletter } })
    expect(statusOf(ada)).toBe('unsubscribed')
  })
  it('does not know a contact of another audience', async () => {
    expect(await call('PATCH', member(ada, workshops), { status: 'unsubscribed' })).toMatchObject({
      status: 404,
      type: 'application/problem+json; charset=utf-8',
      json: { title: 'Resource Not Found', status: 404 },
    })
  })
  it.each(['archived', 'transactional', 'Unsubscribed', 'deleted', 7])('refuses the status %s', async (status) => {
    expect(await call('PATCH', member(ada), { status })).toMatchObject({
      status: 400,
      json: { title: 'Invalid Resource', errors: [{ field: 'status' }] },
    })
    expect(statusOf(ada)).toBe('subscribed')
  })
  it('keeps interests that are not named, and the status', async () => {
    const [audience] = sandbox.mailchimp.control.audiences()
    const topic = audience?.interests.newsletters ?? ''
    const promotions = audience?.interests.promotions ?? ''
    await call('PATCH', member(ada), { interests: { [topic]: true } })
    const answer = await call('PATCH', member(ada), { interests: { [promotions]: false } })
    expect(answer.json).toMatchObject({ status: 'subscribed', interests: { [topic]: true, [promotions]: false } })
  })
  it('does not clear interests by unsubscribing', async () => {
    await call('PATCH', member(ada), { status: 'unsubscribed' })
    expect(sandbox.mailchimp.control.person({ address: ada })[0]?.interests).toMatchObject({ promotions: true })
  })
  it('refuses interests of another audience and values that are no flags', async () => {
    const foreign = Object.values(sandbox.mailchimp.control.audiences()[1]?.interests ?? {})[0] ?? ''
    expect(await call('PATCH', member(ada), { interests: { [foreign]: false } })).toMatchObject({ status: 400 })
    const own = sandbox.mailchimp.control.audiences()[0]?.interests.promotions ?? ''
    expect(await call('PATCH', member(ada), { interests: { [own]: 'no' } })).toMatchObject({
      status: 400,
      json: { errors: [{ field: `interests.${own}` }] },
    })
  })
  it('takes marketing permissions by id', async () => {
    const id = sandbox.mailchimp.control.audiences()[0]?.marketingPermissions.Email ?? ''
    const answer = await call('PATCH', member(ada), { marketing_permissions: [{ marketing_permission_id: id, enabled: true }] })
    expect(answer.json.marketing_permissions).toContainEqual({ marketing_permission_id: id, text: 'Email', enabled: true })
    expect(await call('PATCH', member(ada), { marketing_permissions: [{ marketing_permission_id: 'x', enabled: true }] })).toMatchObject({
      status: 400,
    })
  })
  it('wants a body that is JSON', async () => {
    expect(await call('PATCH', member(ada), '{"status":')).toMatchObject({ status: 400, json: { title: 'JSON Parse Exception' } })
  })
})

describe('required merge fields', () => {
  it('block a change, unless their check is skipped', async () => {
    sandbox.mailchimp.control.seedMember(workshops, ada)
    expect(await call('PATCH', member(ada, workshops), { status: 'unsubscribed' })).toMatchObject({
      status: 400,
      json: { title: 'Invalid Resource', errors: [{ field: 'FNAME', message: 'Please enter a value' }] },
    })
    expect(await call('PATCH', `${member(ada, workshops)}?skip_merge_validation=true`, { status: 'unsubscribed' })).toMatchObject({
      status: 200,
    })
    expect(
      await call('PUT', member('bob@example.com', workshops), {
        email_address: 'bob@example.com',
        status_if_new: 'pending',
        merge_fields: { FNAME: 'Bob' },
      }),
    ).toMatchObject({ status: 200 })
  })
})

describe('PUT', () => {
  it('adds a contact with the status for new ones', async () => {
    const answer = await call('PUT', member('bob@example.com'), {
      email_address: 'Bob@Example.com',
      status_if_new: 'unsubscribed',
      status: 'subscribed',
    })
    expect(answer).toMatchObject({
      status: 200,
      json: { status: 'unsubscribed', email_address: 'Bob@Example.com', id: md5('bob@example.com') },
    })
  })
  it('leaves the status of a known contact alone, unless it is given', async () => {
    expect((await call('PUT', member(ada), { email_address: ada, status_if_new: 'unsubscribed' })).json.status).toBe('subscribed')
    expect((await call('PUT', member(ada), { email_address: ada, status_if_new: 'pending', status: 'transactional' })).json.status).toBe(
      'transactional',
    )
  })
  it('wants the status for new ones, and an address that belongs to the hash', async () => {
    expect(await call('PUT', member('bob@example.com'), { email_address: 'bob@example.com' })).toMatchObject({
      status: 400,
      json: { errors: [{ field: 'status_if_new' }] },
    })
    expect(await call('PUT', member('bob@example.com'), { status_if_new: 'unsubscribed' })).toMatchObject({
      status: 400,
      json: { errors: [{ field: 'email_address' }] },
    })
    expect(await call('PUT', member('bob@example.com'), { email_address: 'eve@example.com', status_if_new: 'unsubscribed' })).toMatchObject(
      { status: 400 },
    )
    expect(
      await call('PUT', `/lists/${newsletter}/members/${md5('bob@example.com').toUpperCase()}`, {
        email_address: 'bob@example.com',
        status_if_new: 'unsubscribed',
      }),
    ).toMatchObject({ status: 400 })
  })
  it('moves a contact to another address, but not to one that is taken', async () => {
    sandbox.mailchimp.control.seedMember(newsletter, 'bob@example.com')
    expect(await call('PATCH', member(ada), { email_address: 'bob@example.com' })).toMatchObject({
      status: 400,
      json: { title: 'Member Exists' },
    })
    expect((await call('PATCH', member(ada), { email_address: 'ada.new@example.com' })).json.id).toBe(md5('ada.new@example.com'))
    expect((await call('GET', member(ada))).status).toBe(404)
  })
})

describe('contacts that the vendor holds back', () => {
  it('cannot be subscribed by API after they left on their own, only asked', async () => {
    sandbox.mailchimp.control.act(newsletter, ada, 'unsubscribes')
    expect(await call('PATCH', member(ada), { status: 'subscribed' })).toMatchObject({
      status: 400,
      json: { title: 'Member In Compliance State' },
    })
    expect((await call('PATCH', member(ada), { status: 'unsubscribed' })).status).toBe(200)
    expect((await call('PATCH', member(ada), { status: 'pending' })).json.status).toBe('pending')
    sandbox.mailchimp.control.act(newsletter, ada, 'confirms')
    expect((await call('PATCH', member(ada), { status: 'subscribed' })).status).toBe(200)
  })
  it('answer the compliance problem to an unsubscribe too when they bounced', async () => {
    sandbox.mailchimp.control.act(newsletter, ada, 'bounces')
    expect(await call('PATCH', member(ada), { status: 'unsubscribed' })).toMatchObject({
      status: 400,
      json: { title: 'Member In Compliance State' },
    })
  })
  it('can be subscribed again when only the API had unsubscribed them', async () => {
    await call('PATCH', member(ada), { status: 'unsubscribed' })
    expect((await call('PATCH', member(ada), { status: 'subscribed' })).json.status).toBe('subscribed')
  })
})

describe('leaving the audience', () => {
  it('archives by DELETE, without a body, and an upsert revives', async () => {
    expect(await call('DELETE', member(ada))).toMatchObject({ status: 204, text: '', type: null })
    expect((await call('GET', member(ada))).json.status).toBe('archived')
    expect((await call('DELETE', member(ada))).status).toBe(405)
    expect((await call('PUT', member(ada), { email_address: ada, status_if_new: 'subscribed' })).json.status).toBe('subscribed')
  })
  it('forgets for good by delete-permanent', async () => {
    expect(await call('POST', `${member(ada)}/actions/delete-permanent`)).toMatchObject({ status: 204, text: '' })
    expect((await call('GET', member(ada))).status).toBe(404)
    expect((await call('PATCH', member(ada), { status: 'unsubscribed' })).status).toBe(404)
    for (const status of ['subscribed', 'pending', 'unsubscribed']) {
      expect(await call('PUT', member(ada), { email_address: ada, status_if_new: status })).toMatchObject({
        status: 400,
        json: { title: 'Forgotten Email Not Subscribed' },
      })
    }
    expect(sandbox.mailchimp.control.person({ address: ada })).toMatchObject([{ status: 'forgotten' }])
    expect(JSON.stringify(sandbox.mailchimp.control.beliefs())).not.toContain(ada)
    sandbox.mailchimp.control.act(newsletter, ada, 'subscribes')
    expect(statusOf(ada)).toBe('subscribed')
  })
})

describe('tags', () => {
  it('are set and taken off, with an answer that has no body', async () => {
    const tags = [
      { name: 'do-not-share', status: 'active' },
      { name: 'vip', status: 'active' },
    ]
    expect(await call('POST', `${member(ada)}/tags`, { tags, is_syncing: true })).toMatchObject({ status: 204, text: '' })
    await call('POST', `${member(ada)}/tags`, { tags: [{ name: 'vip', status: 'inactive' }] })
    expect((await call('GET', member(ada))).json).toMatchObject({ tags_count: 1, tags: [{ name: 'do-not-share' }] })
    expect((await call('POST', `${member(ada)}/tags`, { tags: [{ name: 'vip', status: 'on' }] })).status).toBe(400)
  })
})

describe('reading', () => {
  it('shows the fields that are asked for', async () => {
    expect((await call('GET', `${member(ada)}?fields=status,last_changed`)).json).toEqual({
      status: 'subscribed',
      last_changed: expect.stringMatching(/\+00:00$/),
    })
    expect((await call('GET', `/lists?fields=lists.id,lists.name,total_items`)).json).toEqual({
      lists: [
        { id: newsletter, name: 'Newsletter' },
        { id: workshops, name: 'Workshops' },
      ],
      total_items: 2,
    })
    expect((await call('GET', `${member(ada)}?exclude_fields=tags`)).json).not.toHaveProperty('tags')
  })
  it('refuses fields together with exclude_fields', async () => {
    expect((await call('GET', '/lists?fields=lists.id&exclude_fields=lists.name')).status).toBe(400)
  })
  it('pages with count and offset, ten by default and a thousand at most', async () => {
    sandbox.mailchimp.control.seedMembers(newsletter, { count: 30 })
    expect((await call('GET', `/lists/${newsletter}/members`)).json.members).toHaveLength(10)
    expect((await call('GET', `/lists/${newsletter}/members?count=1000&offset=1`)).json.members).toHaveLength(30)
    expect((await call('GET', '/lists?count=1')).json.lists).toHaveLength(1)
    for (const bad of ['count=1001', 'count=-1', 'count=x', 'offset=-1']) expect((await call('GET', `/lists?${bad}`)).status).toBe(400)
  })
  it('lists interests by category, tells double opt-in, and answers the ping', async () => {
    const { categories } = (await call('GET', `/lists/${newsletter}/interest-categories`)).json
    const { interests } = (await call('GET', `/lists/${newsletter}/interest-categories/${categories[0].id}/interests`)).json
    expect(Object.fromEntries(interests.map(({ id, name }: { id: string; name: string }) => [name, id]))).toEqual(
      sandbox.mailchimp.control.audiences()[0]?.interests,
    )
    expect((await call('GET', `/lists/${workshops}`)).json.double_optin).toBe(true)
    expect((await call('GET', '/ping')).json).toEqual({ health_status: "Everything's Chimpy!" })
  })
  it('takes a raw address in the path, and marks the request', async () => {
    expect((await call('GET', `/lists/${newsletter}/members/${encodeURIComponent(ada)}`)).status).toBe(200)
    expect(sandbox.mailchimp.control.requests().at(-1)).toMatchObject({
      path: '/3.0/lists/{list}/members/{hash}',
      remark: 'an address in the path',
    })
  })
  it('tells an unknown path from a wrong method', async () => {
    expect((await call('GET', '/campaigns')).status).toBe(404)
    expect((await call('PUT', '/lists')).status).toBe(405)
    expect((await call('GET', '/lists/nothing')).status).toBe(404)
  })
})
