// Builds the index of a table, then writes its catalog entry, which makes the bucket part of the database.
process INDEX_BUCKET {
    tag "${bucket}"
    label 'index'
    disk { Resources.index(size, index, database) }
    containerOptions { DatabaseUri.mount(database, DatabaseUri.nvme(database)) }

    input:
    tuple val(bucket), val(size), path(manifest) // ingest record of INGEST_BUCKET: a changed table runs this stage again
    val database
    val index
    val worker // hash of the command's sources: -resume runs this stage again when they change

    output:
    tuple val(bucket), path("${bucket}.json"), emit: entry
    path "${bucket}.index-bucket.json", emit: report

    script:
    """
    export LANCEFLOW_WORKER=${worker}
    lanceflow index-bucket --bucket ${bucket} --database ${Shell.quote(database)} --index ${index} --threads ${task.cpus} \\
        --output ${bucket}.json --json > ${bucket}.index-bucket.json
    """

    stub:
    """
    echo '{"fingerprint": "stub"}' > ${bucket}.json
    touch ${bucket}.index-bucket.json
    """
}
