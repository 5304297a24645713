// Plans which shards go into which bucket. What the database holds already is left out.
process PACK_BUCKETS {
    containerOptions { DatabaseUri.mount(database) }

    input:
    path found, stageAs: 'descriptions/?/*' // descriptions, and folders of them; the shards stay where they are
    val order // [which of these, name in the folder; '' where it is none] for each shard
    val database
    val options // bucket_size, check_ids
    val worker // hash of its sources: a changed worker runs this stage again

    output:
    path 'plan.json', emit: plan
    path 'pack-buckets.json', emit: report

    script:
    def staged = found instanceof List ? found : [found]
    def descriptions = order.collect { at, name -> name ? "${staged[at]}/${name}" : staged[at] }
    """
    export LANCEFLOW_WORKER=${worker}
    ${Shell.list('descriptions.list', descriptions)}
    lanceflow pack-buckets --input-list descriptions.list --database ${Shell.quote(database)} ${Shell.options(options)} \\
        --output plan.json --json > pack-buckets.json
    """

    stub:
    """
    echo '{"version": 1, "dimension": 960, "buckets": [{"bucket": "bucket_00001", "rows": ${options.bucket_size}, "sources": [{"shard": 0, "rows": ${options.bucket_size}, "vectorType": "float32"}]}]}' > plan.json
    touch pack-buckets.json
    """
}
