// The nearest neighbours of every query in one bucket.
process SEARCH_BUCKET {
    tag "${bucket}${part}"
    label 'search'
    disk { Resources.search(bytes, options, database) }
    containerOptions { DatabaseUri.mount(database, checkpoints, DatabaseUri.nvme(database)) }

    input:
    tuple val(bucket), val(fingerprint), val(bytes), val(part), val(range) // another table runs this stage again; '' for all queries
    path queries, stageAs: 'queries/?/*'
    val database
    val checkpoints // folder for finished blocks of queries, with which a killed search goes on; '' for none
    val measure // whether the recall is to be measured: the true hits of sampled queries are written too
    val options // k, search, nprobes, ...: names and values as in nextflow_schema.json
    val worker // hash of its sources: a changed worker runs this stage again

    output:
    path "${bucket}${part}.hits.parquet", emit: hits
    path "${bucket}${part}.truth.parquet", optional: true, emit: truth
    path "${bucket}${part}.search-bucket.json", emit: report

    script:
    // The queries of a block and their candidates; the rest is for the table's pages and the matrix products.
    def blocks = checkpoints ? "--checkpoints ${Shell.quote(checkpoints)}" : ''
    def truth = measure ? "--truth ${bucket}${part}.truth.parquet" : ''
    def some = range ? "--range ${range}" : ''
    def memory = task.memory ? "--memory ${task.memory.toMega().intdiv(2)}MB" : ''
    """
    export LANCEFLOW_WORKER=${worker}
    ${Shell.list('queries.list', queries)}
    lanceflow search-bucket --bucket ${bucket} --database ${Shell.quote(database)} --queries-list queries.list \\
        ${Shell.options(options)} ${some} ${memory} ${blocks} ${truth} \\
        --output ${bucket}${part}.hits.parquet --json > ${bucket}${part}.search-bucket.json
    """

    stub:
    """
    touch ${bucket}${part}.hits.parquet ${bucket}${part}.search-bucket.json ${measure ? "${bucket}${part}.truth.parquet" : ''}
    """
}
