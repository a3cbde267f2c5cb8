/**
 * Works on up to `window` requests at a time and yields the answers in the order of the requests. Reads no request before there is room for it, so that whoever
 * reads answers slowly is also sent none; an answer that fails ends the stream with its error after the answers before it.
 */
export async function* orderedWindow<Request, Answer>(
  requests: AsyncIterable<Request>,
  window: number,
  handle: (request: Request) => Promise<Answer>,
): AsyncGenerator<Answer> {
  const answers: Promise<Answer>[] = []
  let ended = false
  let failure: { readonly thrown: unknown } | undefined
  let stopped = false
  let wakeWriter: (() => void) | undefined
  let wakeReader: (() => void) | undefined

  const read = async () => {
    try {
      for await (const request of requests) {
        const answer = handle(request)
        // it is looked at in its turn; until then a failure must not count as unhandled
        answer.catch(() => undefined)
        answers.push(answer)
        wakeWriter?.()
        if (answers.length >= window) await new Promise<void>((resolve) => (wakeReader = resolve))
        if (stopped) return
      }
    } catch (thrown) {
      failure = { thrown }
    } finally {
      ended = true
      wakeWriter?.()
    }
  }
  const reading = read()

  try {
    for (;;) {
      const answer = answers[0]
      if (answer === undefined) {
        if (ended) break
        await new Promise<void>((resolve) => (wakeWriter = resolve))
        continue
      }
      const given = await answer
      answers.shift()
      wakeReader?.()
      yield given
    }
    if (failure !== undefined) throw failure.thrown
  } finally {
    stopped = true
    wakeReader?.()
  }
  await reading
}
