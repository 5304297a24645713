// The nearest neighbours of every query in one bucket.
process SEARCH_BUCKET {
    tag "${bucket}"
    label 'search'
    containerOptions { DatabaseUri.mount(database) }

    input:
    tuple val(bucket), val(fingerprint) // of the table: another one runs this stage again
    path queries, stageAs: 'queries/?/*'
    val database
    val options // k, search, nprobes, ...: names and values as in nextflow_schema.json
    val worker // hash of its sources: a changed worker runs this stage again

    output:
    path "${bucket}.hits.parquet", emit: hits
    path "${bucket}.search-bucket.json", emit: report

    script:
    // The queries of a block and their candidates; the rest is for the table's pages and the matrix products.
    def memory = task.memory ? "--memory ${task.memory.toMega().intdiv(2)}MB" : ''
    """
    export LANCEFLOW_WORKER=${worker}
    lanceflow search-bucket --bucket ${bucket} --database ${Shell.quote(database)} --queries ${queries} ${Shell.options(options)} ${memory} --output ${bucket}.hits.parquet --json > ${bucket}.search-bucket.json
    """

    stub:
    """
    touch ${bucket}.hits.parquet ${bucket}.search-bucket.json
    """
}
