// Divides the queries into parts that are searched side by side, where more tasks finish sooner.
process PLAN_SEARCH {
    containerOptions { DatabaseUri.mount(database) }

    input:
    path queries, stageAs: 'queries/?/*'
    val entries // [bucket, fingerprint] of all buckets: they must be there
    val database
    val options // queries_per_task, search, nprobes
    val worker // hash of its sources: a changed worker runs this stage again

    output:
    path 'parts.json', emit: parts
    path 'plan-search.json', emit: report

    script:
    """
    export LANCEFLOW_WORKER=${worker}
    ${Shell.list('queries.list', queries)}
    lanceflow plan-search --queries-list queries.list --database ${Shell.quote(database)} ${Shell.options(options)} \\
        --output parts.json --json > plan-search.json
    """

    stub:
    """
    echo '{"version": 1, "queries": 1, "parts": [{"first": 0, "end": 1}]}' > parts.json
    touch plan-search.json
    """
}
