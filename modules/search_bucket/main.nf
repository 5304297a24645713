// The nearest neighbours of every query in one bucket.
process SEARCH_BUCKET {
    tag "${bucket}"
    label 'search'
    containerOptions { DatabaseUri.mount(database, checkpoints) }

    input:
    tuple val(bucket), val(fingerprint) // of the table: another one runs this stage again
    path queries, stageAs: 'queries/?/*'
    val database
    val checkpoints // folder for finished blocks of queries, with which a killed search goes on; '' for none
    val measure // whether the recall is to be measured: the true hits of sampled queries are written too
    val options // k, search, nprobes, ...: names and values as in nextflow_schema.json
    val worker // hash of its sources: a changed worker runs this stage again

    output:
    path "${bucket}.hits.parquet", emit: hits
    path "${bucket}.truth.parquet", optional: true, emit: truth
    path "${bucket}.search-bucket.json", emit: report

    script:
    // The queries of a block and their candidates; the rest is for the table's pages and the matrix products.
    def blocks = checkpoints ? "--checkpoints ${Shell.quote(checkpoints)}" : ''
    def truth = measure ? "--truth ${bucket}.truth.parquet" : ''
    def memory = task.memory ? "--memory ${task.memory.toMega().intdiv(2)}MB" : ''
    """
    export LANCEFLOW_WORKER=${worker}
    lanceflow search-bucket --bucket ${bucket} --database ${Shell.quote(database)} --queries ${queries} ${Shell.options(options)} ${memory} ${blocks} ${truth} --output ${bucket}.hits.parquet --json > ${bucket}.search-bucket.json
    """

    stub:
    """
    touch ${bucket}.hits.parquet ${bucket}.search-bucket.json ${measure ? "${bucket}.truth.parquet" : ''}
    """
}
