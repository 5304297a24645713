// Reports of all tasks -> what the run took, and its page; published with the results of a search.

include { barrier } from './barrier.nf'
include { RENDER_REPORT } from '../modules/render_report/main.nf'

workflow REPORT {
    take:
    request // map: see lib/Request.groovy
    results // value: list of the results of a search, neighbours (Parquet) first; empty without a search
    reports // JSON report of a task
    entries // [bucket, fingerprint, bytes] of every bucket in the database
    count   // bucket count
    plans   // value: list of the run's plan; empty without one

    main:
    // value: list of [bucket, fingerprint], by bucket, when all buckets are built
    all_entries = barrier(entries.map { bucket, fingerprint, _bytes -> [bucket, fingerprint] }, count, { bucket, _fingerprint -> bucket })
    // value: results, when all buckets are built
    finished = results.map { files -> [files] }.combine(all_entries.map { list -> [list] }).map { files, _list -> files }.first()
    // value: list of JSON reports, by path. Inputs and queries of the same content share the report of their embedding.
    all_reports = reports.unique().toSortedList { a, b -> a.toString() <=> b.toString() }
    RENDER_REPORT(finished.map { files -> files.take(1) }, all_reports, plans, request.link_template ?: '', request.workers.render_report)

    // outcome, when all results are in --outdir. The head publishes them, because -resume reuses tasks, which therefore must not contain
    // anything that differs from run to run.
    published = RENDER_REPORT.out.outcome
        .combine(RENDER_REPORT.out.report)
        .combine(finished.map { files -> [files] })
        .combine(all_entries.map { list -> [list] })
        .map { outcome, page, files, list ->
            def others = request.evaluate ? [EvaluationFiles.PAGE] : []
            Results.publish(request.outdir, files, page, outcome, Results.describe(workflow, request, list), others)
            return outcome
        }

    emit:
    published
}
