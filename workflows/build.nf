// Sequences -> shards and their descriptions -> bucket plan -> for each bucket a table, its index and its catalog entry.

include { EMBED } from './embed.nf'
include { after ; barrier } from './barrier.nf'
include { DESCRIBE_SHARD } from '../modules/describe_shard/main.nf'
include { PACK_BUCKETS } from '../modules/pack_buckets/main.nf'
include { INGEST_BUCKET } from '../modules/ingest_bucket/main.nf'
include { INDEX_BUCKET } from '../modules/index_bucket/main.nf'
include { DELETE_REPLACED } from '../modules/delete_replaced/main.nf'

workflow BUILD {
    take:
    request // map: see lib/Request.groovy
    gate    // value channel: no task starts before it emits

    main:
    def layout = request.subMap(['metric', 'vector_type', 'order'])
    def packing = request.subMap(['bucket_size', 'check_ids', 'replace', 'keep'])
    def batches = ShardBatches.of(request.inputs.findAll { file -> file.kind == 'shard' })
    // The shards of a float16 table are written in float16, because more precision would be lost anyway.
    EMBED(request.inputs, request.embedding.options + request.subMap(['vector_type']), request, gate)
    DESCRIBE_SHARD(after(channel.fromList(batches), gate), request.subMap(['keep']), request.workers.describe_shard)
    // value: list of shards, by source
    shards = EMBED.out.shards

    // [source, description, ''] or [source, folder of descriptions, name in the folder]
    descriptions = EMBED.out.descriptions.map { source, file -> [source, file, ''] }
        .mix(DESCRIBE_SHARD.out.description.flatMap { sources, folder ->
            [sources, ShardBatches.descriptions(sources)].transpose().collect { source, name -> [source, folder, name] }
        })
    // value: files = list of descriptions and folders, each once; order = list of [position in files, name in the folder, source] by shard
    described = barrier(descriptions, shards.map { list -> list.size() }, { source, _file, _name -> source })
        .map { list -> ShardBatches.gather(list) }
        .multiMap { files, order ->
            files: files
            order: order
        }
    // value: list of JSON objects by shard: values of the samplesheet
    values = described.order.map { order -> KeptColumns.valuesOf(order.collect { _position, _name, source -> source }, request.inputs, request.keep) }
    PACK_BUCKETS(described.files, described.order, values, request.database, packing, request.workers.pack_buckets)

    // [bucket, size, bucket plan, list of the bucket's shards]
    buckets = PACK_BUCKETS.out.plan
        .combine(shards.map { list -> [list] })
        .flatMap { plan, list -> Plan.buckets(plan, list) }
        .map { bucket, size, plan, list ->
            Resources.requireDisk(bucket, size, layout, request.database)
            [bucket, size, plan, list]
        }
    INGEST_BUCKET(buckets, request.database, layout, request.workers.ingest_bucket)
    INDEX_BUCKET(INGEST_BUCKET.out.manifest, request.database, request.index, request.workers.index_bucket)

    // [bucket, fingerprint, bytes] of each bucket of the plan
    built = INDEX_BUCKET.out.entry.map { bucket, entry -> DatabaseUri.entry(bucket, entry) }
    if (!workflow.stubRun) {
        built = built.map { bucket, fingerprint, bytes -> DatabaseUri.requireEntry(request.database, bucket, fingerprint) + [bytes] }
    }
    planned = PACK_BUCKETS.out.plan
    task_reports = EMBED.out.reports
        .mix(DESCRIBE_SHARD.out.report, PACK_BUCKETS.out.report, INGEST_BUCKET.out.report, INDEX_BUCKET.out.report)
    if (request.replace) {
        // value: fingerprints of the plan's buckets, when all are in the database
        complete = barrier(built, planned.map { plan -> Plan.names(plan).size() }, { bucket, _fingerprint, _bytes -> bucket })
            .map { list -> list.collect { _bucket, fingerprint, _bytes -> fingerprint } }
        DELETE_REPLACED(planned, complete, described.files, described.order, request.database, request.workers.delete_replaced)
        // The catalog is read after the deletion.
        planned = planned.combine(DELETE_REPLACED.out.report).map { plan, _report -> plan }
        task_reports = task_reports.mix(DELETE_REPLACED.out.report)
    }
    // list of [bucket, fingerprint, bytes] of the other buckets in the catalog. It is read when the plan is known, because the entry of a
    // bucket that this run rebuilds would be outdated
    held = planned.map { plan -> DatabaseUri.entries(request.database, Plan.names(plan)) }

    emit:
    // [bucket, fingerprint, bytes] of every bucket in the database
    entries = built.mix(held.flatMap { list -> list })
    // bucket count: the final number of entries
    count = PACK_BUCKETS.out.plan.combine(held.map { list -> [list] })
        .map { plan, list -> Plan.names(plan).size() + list.size() }
    // [source, table of records and files that one task skipped]
    skipped = EMBED.out.skipped
    // JSON report of a task
    reports = task_reports
}
