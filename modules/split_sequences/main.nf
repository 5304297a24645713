// Splits a large FASTA file into parts of about equal residue counts, each of which a task of EMBED_SEQUENCES embeds.
process SPLIT_SEQUENCES {
    tag "${source.tokenize('/').last()}"

    input:
    tuple val(source), path(fasta, stageAs: 'input/*')
    val part_residues // residues of a part
    val reading // map: allow_nucleotide, strict, keep
    val worker // hash of the command's sources: -resume runs this stage again when they change

    output:
    tuple val(source), path('parts/part_*.fasta'), emit: parts
    tuple val(source), path('*.skipped.csv'), emit: skipped, optional: true
    path '*.split-sequences.json', emit: report

    script:
    def name = Shell.safeName(source.tokenize('/').last())
    """
    export LANCEFLOW_WORKER=${worker}
    lanceflow split-sequences --input ${fasta} --part-residues ${part_residues} \\
        --name ${Shell.quote(source)} ${Shell.options(reading)} --allow-empty --skipped ${name}.skipped.csv \\
        --output parts --json > ${name}.split-sequences.json
    """

    stub:
    def name = Shell.safeName(source.tokenize('/').last())
    """
    mkdir parts
    touch parts/part_00001.stub.fasta ${name}.skipped.csv ${name}.split-sequences.json
    """
}
