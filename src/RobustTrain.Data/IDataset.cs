using RobustTrain.Data.Datasets;

namespace RobustTrain.Data;

/// <summary>
/// A finite collection of samples that can be loaded in any order, by any thread, any number of times.
/// </summary>
public interface IDataset
{
    /// <summary>The number of samples.</summary>
    int Count { get; }

    /// <summary>The fields of every sample, in the order in which <see cref="SampleBuffer"/> numbers them.</summary>
    IReadOnlyList<FieldSpec> Fields { get; }

    /// <summary>What it does with some of its files that the operator should know of, found out when it was opened; one for each kind.</summary>
    IReadOnlyList<DatasetWarning> Warnings => [];

    /// <summary>Names a sample for people: its files, and which part of them.</summary>
    string NameOf(int index);

    /// <summary>
    /// Decodes, augments and writes the sample <c>key.Index</c> into <paramref name="target"/>.
    /// The result is a pure function of the files and the key. Safe to call from several threads at once.
    /// </summary>
    /// <exception cref="SampleException">The sample's files can't be read or are not what they claim to be.</exception>
    void Load(SampleKey key, SampleBuffer target);
}

/// <summary>A dataset that knows which files a sample comes from, so that a quarantine ends when they change.</summary>
public interface IFileBackedDataset : IDataset
{
    /// <summary>The files of a sample, full paths.</summary>
    IReadOnlyList<string> FilesOf(int index);
}

/// <summary>A dataset that another process can open again from its description: what process workers need.</summary>
public interface IPortableDataset : IDataset
{
    /// <summary>What to open it from.</summary>
    DatasetDescription Description { get; }
}

/// <summary>A dataset whose files can be read whole, part by part, to find what a header does not tell.</summary>
public interface ICheckableDataset : IDataset
{
    /// <summary>The parts that the samples are made of, for example pairs of images; several samples may be cut from one part.</summary>
    int PartCount { get; }

    /// <summary>Reads the files of a part whole. Safe to call from several threads at once.</summary>
    /// <returns>What is wrong with each; nothing where its samples can be loaded.</returns>
    IReadOnlyList<DatasetFault> FaultsOfPart(int part);
}

/// <summary>A dataset that knows, without decoding anything else, how often each class occurs in its labels.</summary>
public interface IClassCountingDataset : IDataset
{
    /// <summary>
    /// How many labels, or pixels of labels, this split has of each class, for class weights; those to be ignored do not count.
    /// It reads every label once.
    /// </summary>
    /// <exception cref="SampleException">A label can't be read or has a value beyond the classes.</exception>
    IReadOnlyList<long> CountClasses();
}
