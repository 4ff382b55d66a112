using RobustTrain.Data;
using RobustTrain.Data.Datasets;
using RobustTrain.Runs;
using RobustTrain.Training.Configuration;

namespace RobustTrain.Training.Tasks;

/// <summary>Checks that a split has the fields that a task takes.</summary>
internal static class SplitFields
{
    /// <summary>Checks names and dimensions, and that the images have the network's channels.</summary>
    /// <exception cref="RunException">A field is missing, or the images have other channels.</exception>
    public static void Check(IReadOnlyList<SampleField> fields, DatasetSplit split, IDataset dataset, ModelConfig model)
    {
        foreach (SampleField field in fields)
        {
            if (!dataset.Fields.Any(candidate => candidate.Name == field.Name && candidate.Shape.Count == field.Dimensions))
            {
                throw new RunException(
                    ExitCode.Configuration, "DatasetFieldMissing",
                    $"The {SplitNames.Of(split)} split has no field '{field.Name}' of {field.Dimensions} dimensions; it has {string.Join(", ", dataset.Fields.Select(known => known.Name))}.", field.Name);
            }
        }

        int channels = ImageShape(fields, dataset)[0];
        if (channels != model.InChannels)
        {
            throw new RunException(
                ExitCode.Configuration, "ModelChannels",
                $"model.in_channels is {model.InChannels}, but the images of the {SplitNames.Of(split)} split have {channels} channels.", "model.in_channels");
        }
    }

    /// <summary>The shape of a sample's images: channels, height, width.</summary>
    public static IReadOnlyList<int> ImageShape(IReadOnlyList<SampleField> fields, IDataset dataset)
    {
        string input = fields.First(field => field.Input is not null).Name;
        return dataset.Fields.First(field => field.Name == input).Shape;
    }

    /// <summary>Checks that normalisation has one value for each channel.</summary>
    /// <exception cref="RunException">It hasn't.</exception>
    public static void CheckNormalization(DataConfig data)
    {
        if (data.Mean.Count != data.Std.Count || data.Mean.Count is not (1 or 3))
        {
            throw new RunException(
                ExitCode.Configuration, "NormalizationChannels",
                $"data.mean has {data.Mean.Count} values and data.std {data.Std.Count}, but both must have one for each channel, 1 or 3.", "data.mean");
        }
    }
}

/// <summary>The validation sets of a configuration.</summary>
internal static class ValidationSetList
{
    /// <summary>The sets, with the samples that a function finds in their parts.</summary>
    public static IReadOnlyList<ValidationSet> Of(DataConfig data, Func<IReadOnlyList<string>, IReadOnlySet<string>> namesIn) =>
        [.. (data.ValidationSets ?? new Dictionary<string, IReadOnlyList<string>>()).Select(set => new ValidationSet(set.Key, namesIn(set.Value)))];
}
