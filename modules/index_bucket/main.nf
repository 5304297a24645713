// A table becomes searchable: its index, then its catalog entry, which makes it part of the database.
process INDEX_BUCKET {
    tag "${bucket}"
    label 'index'
    disk { Resources.index(size, index, database) }
    containerOptions { DatabaseUri.mount(database, DatabaseUri.nvme(database)) }

    input:
    tuple val(bucket), val(size), path(manifest) // what INGEST_BUCKET wrote; a new table runs this stage again
    val database
    val index
    val worker // hash of its sources: a changed worker runs this stage again

    output:
    tuple val(bucket), path("${bucket}.json"), emit: entry
    path "${bucket}.index-bucket.json", emit: report

    script:
    """
    export LANCEFLOW_WORKER=${worker}
    lanceflow index-bucket --bucket ${bucket} --database ${Shell.quote(database)} --index ${index} \\
        --output ${bucket}.json --json > ${bucket}.index-bucket.json
    """

    stub:
    """
    echo '{"fingerprint": "stub"}' > ${bucket}.json
    touch ${bucket}.index-bucket.json
    """
}
