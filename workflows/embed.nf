// FASTA -> parts of large files -> shards, with those that were given as they are.

include { SPLIT_SEQUENCES } from '../modules/split_sequences/main.nf'
include { EMBED_SEQUENCES } from '../modules/embed_sequences/main.nf'
include { whole } from './whole.nf'

workflow EMBED {
    take:
    files   // see lib/InputFiles.groovy
    options // of embed-sequences: names and values
    request // see lib/Request.groovy

    main:
    def checkpoints = Embedding.checkpoints(options, workflow.workDir)
    def given = files.findAll { file -> file.kind == 'shard' }.collect { file -> [file.source, file.path] }
    def (large, small) = files.findAll { file -> file.kind == 'fasta' }
        .split { file -> SequenceParts.isLarge(file, request.part_residues) }
        .collect { list -> list.collect { file -> [file.source, file.path] } }

    SPLIT_SEQUENCES(channel.fromList(large), request.part_residues, request.workers.split_sequences)
    // a list of [source, part] for each large file
    parts = SPLIT_SEQUENCES.out.parts.map { source, list -> SequenceParts.keep(source, list, workflow.workDir) }
    // [source, FASTA file]
    sequences = channel.fromList(small).mix(parts.flatMap { list -> list })
    EMBED_SEQUENCES(sequences, request.embedding.files, options, checkpoints, request.workers.embed_sequences)

    // how many shards there will be; nothing where a file was not divided
    expected = parts.toList()
        .filter { lists -> lists.size() == large.size() }
        .map { lists -> small.size() + given.size() + lists.sum(0) { list -> list.size() } }
    // one list of shards
    shards = whole(EMBED_SEQUENCES.out.shard.mix(channel.fromList(given)), expected, { shard -> shard[0] })
        .map { pairs -> pairs.collect { pair -> pair[1] } }
        .first()

    emit:
    shards // one list
    descriptions = EMBED_SEQUENCES.out.description // [source, description] of those from FASTA
    reports = SPLIT_SEQUENCES.out.report.mix(EMBED_SEQUENCES.out.report)
}
