// Queries -> query set -> hits of each bucket -> neighbours of each query -> their columns -> alignments.

include { EMBED } from './embed.nf'
include { barrier } from './barrier.nf'
include { FETCH_QUERIES } from '../modules/fetch_queries/main.nf'
include { PLAN_SEARCH } from '../modules/plan_search/main.nf'
include { SEARCH_BUCKET } from '../modules/search_bucket/main.nf'
include { MERGE_HITS } from '../modules/merge_hits/main.nf'
include { FETCH_COLUMNS } from '../modules/fetch_columns/main.nf'
include { ALIGN_NEIGHBOURS } from '../modules/align_neighbours/main.nf'
include { JOIN_NEIGHBOURS } from '../modules/join_neighbours/main.nf'

workflow SEARCH {
    take:
    request // map: see lib/Request.groovy
    entries // [bucket, fingerprint, bytes] of every bucket to search
    count   // bucket count
    gate    // value channel: no task starts before it emits

    main:
    // --align aligns more neighbours than the results keep.
    def k = ResultColumns.searched(request)
    def options = [k: k] + request.subMap([
        'search', 'nprobes', 'refine_factor', 'target_recall', 'exclude_self', 'max_distance',
        'where', 'stream',
    ])
    def division = request.subMap(['queries_per_task', 'search', 'nprobes'])
    def is_divided = request.queries_per_task || Plan.isCluster()
    // Whether searches write the ground truth, from which the recall is measured. `auto` measures it where that costs little.
    def is_measured = request.measure_recall || request.target_recall != null
    def measuring = is_measured ? 'always' : request.search == 'auto' ? 'if cheap' : 'never'
    def checkpoints = DatabaseUri.checkpoints(workflow.workDir)
    def id_lists = request.query_ids ? [request.query_ids] : []

    // value: list of [bucket, fingerprint], by bucket. An id may be in any bucket, so FETCH_QUERIES waits for all of them.
    all_entries = barrier(entries.map { bucket, fingerprint, _bytes -> [bucket, fingerprint] }, count, { bucket, _fingerprint -> bucket })
    FETCH_QUERIES(channel.fromList(id_lists), all_entries, request.database, request.workers.fetch_queries)

    // value: list of the query set of --query_ids; empty without --query_ids
    fetched = barrier(FETCH_QUERIES.out.shard, channel.value(id_lists.size()), { file -> file.name })
    EMBED(request.queries, request.embedding.options, request, gate)
    // value: list of query sets
    queries = EMBED.out.shards
        .map { list -> [list] }
        .combine(fetched.map { list -> [list] })
        .map { embedded, found -> embedded + found }
        .first()

    // One task per bucket; with --queries_per_task and on clusters, one for each part of the queries.
    PLAN_SEARCH(is_divided ? queries : channel.empty(), all_entries, request.database, division, request.workers.plan_search)
    // value: list of [part, query range]; ['', ''] for all queries
    parts = is_divided ? PLAN_SEARCH.out.parts.map { file -> Plan.parts(file) } : channel.value([['', '']])
    // [bucket, fingerprint, bytes, part, query range]
    searches = entries.combine(parts.flatMap { list -> list })
    // value: search count
    search_count = count.combine(parts.map { list -> list.size() }).map { bucket_count, part_count -> bucket_count * part_count }.first()

    SEARCH_BUCKET(searches, queries, request.database, checkpoints, measuring, options, request.workers.search_bucket)

    // value: list of Parquet files, by name
    hits = barrier(SEARCH_BUCKET.out.hits, search_count, { file -> file.name })
    // value: list of Parquet files, by name; empty if not all searches wrote one
    ground_truth = SEARCH_BUCKET.out.ground_truth.toSortedList { a, b -> a.name <=> b.name }
        .map { list -> [list] }
        .combine(search_count)
        .map { list, expected -> list.size() == expected ? list : [] }
        .first()
    // FETCH_COLUMNS and ALIGN_NEIGHBOURS, with several parts JOIN_NEIGHBOURS, write the neighbours again. The last one writes CSV and FASTA.
    def is_fetched = ResultColumns.isAsked(request)
    def is_aligned = request.align != null
    MERGE_HITS(
        hits,
        ground_truth,
        k,
        is_fetched ? 'none' : request.csv,
        request.csv_safe,
        request.max_evalue == null ? '' : request.max_evalue,
        request.workers.merge_hits,
    )
    FETCH_COLUMNS(
        is_fetched ? MERGE_HITS.out.neighbours : channel.empty(),
        all_entries,
        request.database,
        all_entries.map { _list -> ResultColumns.fetched(request) },
        request.fasta && !is_aligned,
        is_aligned ? 'none' : request.csv,
        request.csv_safe,
        request.workers.fetch_columns,
    )
    // One task, or one for each part of the queries: [part, query range, neighbours].
    ALIGN_NEIGHBOURS(
        parts.flatMap { list -> list }.combine(is_aligned ? FETCH_COLUMNS.out.neighbours : channel.empty()),
        queries,
        request.database,
        [candidates: request.align, rank: request.rank, k: request.k],
        request.columns ?: '',
        all_entries.map { _list -> ResultColumns.fetched(request) },
        request.fasta,
        request.csv,
        request.csv_safe,
        request.workers.align_neighbours,
    )
    // value: list of Parquet files, by name
    aligned_parts = barrier(ALIGN_NEIGHBOURS.out.neighbours, parts.map { list -> list.size() }, { file -> file.name })
    JOIN_NEIGHBOURS(
        aligned_parts.filter { list -> list.size() > 1 },
        request.columns ?: '',
        request.fasta,
        request.csv,
        request.csv_safe,
        request.workers.join_neighbours,
    )
    aligned = [
        neighbours: aligned_parts.filter { list -> list.size() == 1 }.map { list -> list[0] }.mix(JOIN_NEIGHBOURS.out.neighbours).first(),
        csv: ALIGN_NEIGHBOURS.out.csv.mix(JOIN_NEIGHBOURS.out.csv),
    ]
    written = is_aligned ? aligned : is_fetched ? FETCH_COLUMNS.out : MERGE_HITS.out

    // list of the results: neighbours, then their forms as text
    results = written.neighbours
        .combine(written.csv.mix(FETCH_COLUMNS.out.fasta, ALIGN_NEIGHBOURS.out.fasta, JOIN_NEIGHBOURS.out.fasta).toSortedList { a, b -> a.name <=> b.name }.map { list -> [list] })
        .map { parquet, others -> [parquet] + others }

    emit:
    // [source, table of records and files that one task skipped]
    skipped = EMBED.out.skipped
    // list of the results: neighbours, then their forms as text
    results
    // JSON report of a task
    reports = EMBED.out.reports
        .mix(FETCH_QUERIES.out.report, PLAN_SEARCH.out.report, SEARCH_BUCKET.out.report)
        .mix(MERGE_HITS.out.report, FETCH_COLUMNS.out.report, ALIGN_NEIGHBOURS.out.report, JOIN_NEIGHBOURS.out.report)
}
