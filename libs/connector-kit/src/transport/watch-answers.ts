import type { HttpAnswer, PlannedRequest, Transport } from '../contract.ts'

/**
 * A transport whose HTTP answers are seen on their way: to log what a vendor wants logged, or to add what only a clock can know. What `see` returns is the answer
 * from then on. It must not log bodies.
 */
export function watchAnswers(transport: Transport, see: (answer: HttpAnswer, request: PlannedRequest) => HttpAnswer): Transport {
  return {
    send: async (request, options) => {
      const answer = await transport.send(request, options)
      return answer.via === 'http' ? see(answer, request) : answer
    },
    close: () => transport.close(),
  }
}
