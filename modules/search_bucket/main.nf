// Searches one bucket: the nearest neighbours of every query, or of one part of the queries.
process SEARCH_BUCKET {
    tag "${bucket}${part}"
    label 'search'
    disk { Resources.search(bytes, options, database) }
    containerOptions { DatabaseUri.mount(database, checkpoints, DatabaseUri.nvme(database)) }

    input:
    // fingerprint: a changed table runs this stage again; bytes: of the table; part, query_range: '' for all queries
    tuple val(bucket), val(fingerprint), val(bytes), val(part), val(query_range)
    path queries, stageAs: 'queries/?/*'
    val database
    val checkpoints // folder of finished query blocks, from which a killed search resumes; '' for none
    val measuring // 'always', 'if cheap' or 'never': whether to also write the ground truth, from which MERGE_HITS measures the recall
    val options // map: k, search, nprobes, ... as in nextflow_schema.json
    val worker // hash of the command's sources: -resume runs this stage again when they change

    output:
    path "${bucket}${part}.hits.parquet", emit: hits
    path "${bucket}${part}.truth.parquet", optional: true, emit: ground_truth
    path "${bucket}${part}.search-bucket.json", emit: report

    script:
    def blocks = checkpoints ? "--checkpoints ${Shell.quote(checkpoints)}" : ''
    // A tenth of the time is a price that nobody notices.
    def share = measuring == 'if cheap' ? ' --truth-share 0.1' : ''
    def truth = measuring == 'never' ? '' : "--truth ${bucket}${part}.truth.parquet${share}"
    def range = query_range ? "--range ${query_range}" : ''
    // One half is for a block's queries and candidates, the other for the table's pages and the matrix products.
    def memory = task.memory ? "--memory ${task.memory.toMega().intdiv(2)}MB" : ''
    """
    export LANCEFLOW_WORKER=${worker}
    ${Shell.list('queries.list', queries)}
    lanceflow search-bucket --bucket ${bucket} --database ${Shell.quote(database)} \\
        --queries-list queries.list \\
        ${Shell.options(options)} ${range} ${memory} ${blocks} ${truth} \\
        --output ${bucket}${part}.hits.parquet --json > ${bucket}${part}.search-bucket.json
    """

    stub:
    """
    touch ${bucket}${part}.hits.parquet ${bucket}${part}.search-bucket.json \\
        ${measuring == 'always' ? "${bucket}${part}.truth.parquet" : ''}
    """
}
