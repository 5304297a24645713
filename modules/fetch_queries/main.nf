// Queries that are ids in the database: their vectors become a query set.
process FETCH_QUERIES {
    containerOptions { DatabaseUri.mount(database) }

    input:
    path ids, stageAs: 'ids/*'
    val entries // [bucket, fingerprint] of all buckets: another table runs this stage again
    val database
    val worker // hash of its sources: a changed worker runs this stage again

    output:
    path 'query_ids.h5', emit: shard
    path 'fetch-queries.json', emit: report

    script:
    """
    export LANCEFLOW_WORKER=${worker}
    lanceflow fetch-queries --ids ${ids} --database ${Shell.quote(database)} --output query_ids.h5 --json > fetch-queries.json
    """

    stub:
    """
    touch query_ids.h5 fetch-queries.json
    """
}
