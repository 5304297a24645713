// Sequences -> shards and their descriptions -> a plan of buckets -> for each bucket a table, its index, its catalog entry.

include { EMBED } from './embed.nf'
include { whole } from './whole.nf'
include { DESCRIBE_SHARD } from '../modules/describe_shard/main.nf'
include { PACK_BUCKETS } from '../modules/pack_buckets/main.nf'
include { INGEST_BUCKET } from '../modules/ingest_bucket/main.nf'
include { INDEX_BUCKET } from '../modules/index_bucket/main.nf'

workflow BUILD {
    take:
    request // see lib/Request.groovy

    main:
    def layout = request.subMap(['metric', 'vector_type', 'order'])
    def packing = request.subMap(['bucket_size', 'check_ids'])
    def batches = ShardBatches.of(request.inputs.findAll { file -> file.kind == 'shard' })
    // Shards of a float16 table need no more.
    EMBED(request.inputs, request.embedding.options + request.subMap(['vector_type']), request)
    DESCRIBE_SHARD(channel.fromList(batches), request.workers.describe_shard)
    // one list of shards
    shards = EMBED.out.shards

    // [source, file or folder, name in the folder]
    descriptions = EMBED.out.descriptions.map { source, file -> [source, file, ''] }
        .mix(DESCRIBE_SHARD.out.description.flatMap { sources, folder ->
            [sources, ShardBatches.descriptions(sources)].transpose().collect { source, name -> [source, folder, name] }
        })
    // [files and folders, names in the order of the shards], once all are there
    described = whole(descriptions, shards.map { list -> list.size() }, { description -> description[0] })
        .map { list -> ShardBatches.gather(list) }
        .multiMap { found, order ->
            found: found
            order: order
        }
    PACK_BUCKETS(described.found, described.order, request.database, packing, request.workers.pack_buckets)

    // [bucket, vectors, plan, its shards]
    buckets = PACK_BUCKETS.out.plan
        .combine(shards.map { list -> [list] })
        .flatMap { plan, list -> Plan.buckets(plan, list) }
        .map { bucket, size, plan, list ->
            Resources.requireDisk(bucket, size, layout, request.database)
            [bucket, size, plan, list]
        }
    INGEST_BUCKET(buckets, request.database, layout, request.workers.ingest_bucket)
    INDEX_BUCKET(INGEST_BUCKET.out.manifest, request.database, request.index, request.workers.index_bucket)

    // [bucket, fingerprint, bytes]
    built = INDEX_BUCKET.out.entry.map { bucket, entry -> DatabaseUri.entry(bucket, entry) }
    if (!workflow.stubRun) {
        built = built.map { bucket, fingerprint, bytes -> DatabaseUri.requireEntry(request.database, bucket, fingerprint) + [bytes] }
    }
    // one list of [bucket, fingerprint, bytes]. Made when the plan is known: an entry of a bucket that this run builds would be an old one.
    held = PACK_BUCKETS.out.plan.map { plan -> DatabaseUri.entries(request.database, Plan.names(plan)) }

    emit:
    entries = built.mix(held.flatMap { list -> list }) // [bucket, fingerprint, bytes]
    count = PACK_BUCKETS.out.plan.combine(held.map { list -> [list] }) // how many entries there will be
        .map { plan, list -> Plan.names(plan).size() + list.size() }
    reports = EMBED.out.reports // one JSON file a task
        .mix(DESCRIBE_SHARD.out.report, PACK_BUCKETS.out.report, INGEST_BUCKET.out.report, INDEX_BUCKET.out.report)
}
