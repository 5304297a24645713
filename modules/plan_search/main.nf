// Divides the queries into parts, one per search task, if this finishes sooner.
process PLAN_SEARCH {
    containerOptions { DatabaseUri.mount(database) }

    input:
    path queries, stageAs: 'queries/?/*'
    val entries // list of [bucket, fingerprint] of all buckets: all of them must be built
    val database
    val options // map: queries_per_task, search, nprobes
    val worker // hash of the command's sources: -resume runs this stage again when they change

    output:
    path 'parts.json', emit: parts
    path 'plan-search.json', emit: report

    script:
    """
    export LANCEFLOW_WORKER=${worker}
    ${Shell.list('queries.list', queries)}
    lanceflow plan-search --queries-list queries.list \\
        --database ${Shell.quote(database)} ${Shell.options(options)} \\
        --output parts.json --json > plan-search.json
    """

    stub:
    """
    echo '{"version": 1, "queries": 1, "parts": [{"first": 0, "end": 1}]}' > parts.json
    touch plan-search.json
    """
}
