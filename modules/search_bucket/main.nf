// The nearest neighbours of every query in one bucket.
process SEARCH_BUCKET {
    tag "${bucket}"
    label 'search'
    containerOptions { DatabaseUri.mount(database) }

    input:
    tuple val(bucket), val(fingerprint) // of the table: another one runs this stage again
    path queries, stageAs: 'queries/?/*'
    val database
    val options
    val worker // hash of its sources: a changed worker runs this stage again

    output:
    path "${bucket}.hits.parquet", emit: hits
    path "${bucket}.search-bucket.json", emit: report

    script:
    def tuning = Shell.options(k: options.k, search: options.search, nprobes: options.nprobes, 'refine-factor': options.refine_factor)
    """
    export LANCEFLOW_WORKER=${worker}
    lanceflow search-bucket --bucket ${bucket} --database ${Shell.quote(database)} --queries ${queries} ${tuning} --output ${bucket}.hits.parquet --json > ${bucket}.search-bucket.json
    """

    stub:
    """
    touch ${bucket}.hits.parquet ${bucket}.search-bucket.json
    """
}
