// Queries -> a query set -> for each bucket its hits -> each query's neighbours -> a report.

include { EMBED } from './embed.nf'
include { whole } from './whole.nf'
include { FETCH_QUERIES } from '../modules/fetch_queries/main.nf'
include { PLAN_SEARCH } from '../modules/plan_search/main.nf'
include { SEARCH_BUCKET } from '../modules/search_bucket/main.nf'
include { MERGE_HITS } from '../modules/merge_hits/main.nf'
include { RENDER_REPORT } from '../modules/render_report/main.nf'

workflow SEARCH {
    take:
    request // see lib/Request.groovy
    entries // [bucket, fingerprint, bytes] of every bucket to search
    count   // how many these are
    reports // what the stages before this one reported

    main:
    def options = request.subMap([
        'k', 'search', 'nprobes', 'refine_factor', 'target_recall', 'exclude_self', 'max_distance',
        'stream',
    ])
    def division = request.subMap(['queries_per_task', 'search', 'nprobes'])
    def divided = request.queries_per_task || Plan.isCluster()
    def measure = request.measure_recall || request.target_recall != null
    def checkpoints = DatabaseUri.checkpoints(workflow.workDir)

    // An id may be in any bucket, so all of them must be there. Where a task has failed, some are not.
    def wanted = request.query_ids ? [request.query_ids] : []
    // one list of [bucket, fingerprint]
    all_entries = whole(entries.map { bucket, fingerprint, _bytes -> [bucket, fingerprint] }, count, { entry -> entry[0] }).first()
    FETCH_QUERIES(channel.fromList(wanted), all_entries, request.database, request.workers.fetch_queries)

    // a list of no query set or one
    fetched = FETCH_QUERIES.out.shard
        .toList()
        .filter { list -> list.size() == wanted.size() }
    EMBED(request.queries, request.embedding.options, request)
    // one list of query sets
    queries = EMBED.out.shards
        .map { list -> [list] }
        .combine(fetched.map { list -> [list] })
        .map { made, found -> made + found }
        .first()

    // One task a bucket, or one a bucket and part of the queries: where the user says so, and on clusters.
    PLAN_SEARCH(divided ? queries : channel.empty(), all_entries, request.database, division, request.workers.plan_search)
    // one list of [part, range of queries]
    parts = divided ? PLAN_SEARCH.out.parts.map { file -> Plan.parts(file) } : channel.value([['', '']])
    // [bucket, fingerprint, bytes, part, range of queries]
    searches = entries.combine(parts.flatMap { list -> list })
    // how many searches
    expected = count.combine(parts.map { list -> list.size() }).map { buckets, each -> buckets * each }.first()

    SEARCH_BUCKET(searches, queries, request.database, checkpoints, measure, options, request.workers.search_bucket)

    // Where a task has failed, some hits are missing, and no answer must be made of the others.
    // one list of files each
    hits = whole(SEARCH_BUCKET.out.hits, expected, { file -> file.name }).first()
    truth = measure ? whole(SEARCH_BUCKET.out.truth, expected, { file -> file.name }).first() : channel.value([])
    MERGE_HITS(hits, truth, request.k, request.csv, request.csv_safe, request.workers.merge_hits)

    // one list of JSON files
    all_reports = reports
        .mix(EMBED.out.reports, FETCH_QUERIES.out.report, PLAN_SEARCH.out.report)
        .mix(SEARCH_BUCKET.out.report, MERGE_HITS.out.report)
        .toSortedList { a, b -> a.toString() <=> b.toString() }
    RENDER_REPORT(MERGE_HITS.out.neighbours, all_reports, request.workers.render_report)

    // Once all are there, by the head: what differs from run to run is in no task, whose result -resume uses again.
    results = MERGE_HITS.out.neighbours
        .combine(RENDER_REPORT.out.report)
        .combine(MERGE_HITS.out.csv.toList().map { list -> [list] })
        .combine(all_entries.map { list -> [list] })
        .map { neighbours, report, csv, list ->
            Results.publish(request.outdir, [neighbours, report] + csv, Results.describe(workflow, request, list))
            return report
        }

    emit:
    results // the report, when all results are in --outdir
}
