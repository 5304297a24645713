// Fetches the vectors of a list of ids from the database, as a query set.
process FETCH_QUERIES {
    containerOptions { DatabaseUri.mount(database) }

    input:
    path ids, stageAs: 'ids/*'
    val entries // list of [bucket, fingerprint] of all buckets: a changed table runs this stage again
    val database
    val worker // hash of the command's sources: -resume runs this stage again when they change

    output:
    path 'query_ids.h5', emit: shard
    path 'fetch-queries.json', emit: report

    script:
    """
    export LANCEFLOW_WORKER=${worker}
    lanceflow fetch-queries --ids ${ids} --database ${Shell.quote(database)} \\
        --output query_ids.h5 --json > fetch-queries.json
    """

    stub:
    """
    touch query_ids.h5 fetch-queries.json
    """
}
