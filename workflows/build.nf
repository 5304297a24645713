// Sequences -> shards -> a plan of buckets -> for each bucket a table, its index, its catalog entry.

include { EMBED } from './embed.nf'
include { PACK_BUCKETS } from '../modules/pack_buckets/main.nf'
include { INGEST_BUCKET } from '../modules/ingest_bucket/main.nf'
include { INDEX_BUCKET } from '../modules/index_bucket/main.nf'

workflow BUILD {
    take:
    request // see lib/Request.groovy

    main:
    def layout = request.subMap(['metric', 'vector_type', 'order'])
    // Shards of a float16 table need no more.
    EMBED(request.inputs, request.embedding.options + request.subMap(['vector_type']), request)
    shards = EMBED.out.shards
    PACK_BUCKETS(shards, request.bucket_size, request.database, request.workers.pack_buckets)

    buckets = PACK_BUCKETS.out.plan
        .combine(shards.map { list -> [list] })
        .flatMap { plan, list -> Plan.buckets(plan, list) }
    INGEST_BUCKET(buckets, request.database, layout, request.workers.ingest_bucket)
    INDEX_BUCKET(INGEST_BUCKET.out.manifest, request.database, request.index, request.workers.index_bucket)

    built = INDEX_BUCKET.out.entry.map { bucket, entry -> [bucket, DatabaseUri.fingerprint(entry)] }
    if (!workflow.stubRun) {
        built = built.map { bucket, fingerprint -> DatabaseUri.requireEntry(request.database, bucket, fingerprint) }
    }
    // Listed when the plan is known: an entry of a bucket that this run builds would be an old one.
    held = PACK_BUCKETS.out.plan.map { plan -> DatabaseUri.entries(request.database, Plan.names(plan)) }

    emit:
    entries = built.mix(held.flatMap { list -> list }) // [bucket, fingerprint]
    count = PACK_BUCKETS.out.plan.combine(held.map { list -> [list] })
        .map { plan, list -> Plan.names(plan).size() + list.size() }
    reports = EMBED.out.reports
        .mix(PACK_BUCKETS.out.report, INGEST_BUCKET.out.report, INDEX_BUCKET.out.report)
}
