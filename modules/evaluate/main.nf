// Measures the recall, time and bytes of searches of the database over a grid of settings.
process EVALUATE {
    label 'search'
    disk { Resources.search(bytes, options, database) }
    containerOptions { DatabaseUri.mount(database, DatabaseUri.nvme(database)) }

    input:
    val entries // list of [bucket, fingerprint] of all buckets: a changed table runs this stage again
    val bytes // of the largest table: one is fetched at a time
    val database
    val options // map: k, target_recall, stream
    val worker // hash of the command's sources: -resume runs this stage again when they change

    output:
    path 'evaluation.json', emit: evaluation
    path 'evaluation.html', emit: page
    path 'evaluate.json', emit: report

    script:
    """
    export LANCEFLOW_WORKER=${worker}
    lanceflow evaluate --database ${Shell.quote(database)} ${Shell.options(options)} \\
        --output evaluation.json --plot evaluation.html --json > evaluate.json
    """

    stub:
    """
    touch evaluation.json evaluation.html evaluate.json
    """
}
