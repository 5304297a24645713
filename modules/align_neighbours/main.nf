// Aligns each query, or those of one part of the queries, with their first neighbours, and orders them.
process ALIGN_NEIGHBOURS {
    tag "${part ? part.substring(1) : 'all queries'}"
    label 'align'
    containerOptions { DatabaseUri.mount(database) }

    input:
    tuple val(part), val(query_range), path(neighbours, stageAs: 'fetched/*') // '' for all queries; with the column sequence
    path queries, stageAs: 'queries/?/*' // query sets with the dataset sequence
    val database
    val options // map: candidates, rank, k
    val columns // names of further columns of the results, with commas between; '' for none
    val fetched // names of the columns that neighbours have: a part keeps those of FASTA
    val fasta // whether to write the targets as FASTA
    val csv // plain, gzip, zstd or none
    val csv_safe // whether the CSV protects ids that a spreadsheet would read as formulas
    val worker // hash of the command's sources: -resume runs this stage again when they change

    output:
    path "neighbours${part}.parquet", emit: neighbours
    path 'neighbours.csv*', optional: true, emit: csv
    path 'neighbours.fasta', optional: true, emit: fasta
    path "neighbours${part}.align-neighbours.json", emit: report

    script:
    // JOIN_NEIGHBOURS writes the tables and the FASTA file of several parts.
    def kept = query_range && fasta ? fetched : columns
    def range = query_range ? "--range ${query_range}" : ''
    def sequences = fasta && !query_range ? '--fasta neighbours.fasta' : ''
    def table = csv == 'none' || query_range ? '' : "--csv neighbours.csv${[gzip: '.gz', zstd: '.zst'][csv] ?: ''}${csv_safe ? ' --csv-safe' : ''}"
    """
    export LANCEFLOW_WORKER=${worker}
    ${Shell.list('queries.list', queries)}
    lanceflow align-neighbours --neighbours ${neighbours} --queries-list queries.list --database ${Shell.quote(database)} \\
        --candidates ${options.candidates} --rank ${options.rank} --k ${options.k} --columns ${kept ? Shell.quote(kept) : 'none'} ${range} \\
        --threads ${task.cpus} --output neighbours${part}.parquet ${table} ${sequences} --json > neighbours${part}.align-neighbours.json
    """

    stub:
    """
    touch neighbours${part}.parquet neighbours${part}.align-neighbours.json
    ${csv == 'none' || part ? '' : 'touch neighbours.csv'}
    ${fasta && !part ? 'touch neighbours.fasta' : ''}
    """
}
