// Database -> recall, time and bytes of searches over a grid of settings.

include { barrier } from './barrier.nf'
include { EVALUATE } from '../modules/evaluate/main.nf'

workflow EVALUATION {
    take:
    request // map: see lib/Request.groovy
    entries // [bucket, fingerprint, bytes] of every bucket
    count   // bucket count

    main:
    // value: list of [bucket, fingerprint, bytes], by bucket
    all_entries = barrier(entries, count, { bucket, _fingerprint, _bytes -> bucket })
    def options = request.subMap(['k', 'stream'] + (request.target_recall == null ? [] : ['target_recall']))
    EVALUATE(
        all_entries.map { list -> list.collect { bucket, fingerprint, _bytes -> [bucket, fingerprint] } },
        all_entries.map { list -> list.collect { _bucket, _fingerprint, bytes -> bytes ?: 0 }.max() ?: 0 },
        request.database,
        options,
        request.workers.evaluate,
    )

    emit:
    // evaluation and its page
    files = EVALUATE.out.evaluation.combine(EVALUATE.out.page)
}
