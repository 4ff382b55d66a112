using System.Globalization;
using System.Text.Json;
using RobustTrain.Data;
using RobustTrain.Data.Imaging;
using RobustTrain.Platform;
using RobustTrain.Training.Checkpoints;
using RobustTrain.Training.Tasks;
using static TorchSharp.torch;

namespace RobustTrain.Training.Evaluation;

/// <summary>
/// The pictures of an epoch's validation: of a few samples that are the same in every epoch what came in, what is true and what the network
/// made of it, each a PNG, and <c>index.json</c>, which is written last and says what is there.
/// </summary>
/// <param name="Index">The content of <c>index.json</c>.</param>
/// <param name="Files">The PNGs by name.</param>
internal sealed record ValidationPictures(PictureIndex Index, IReadOnlyList<(string Name, byte[] Content)> Files)
{
    /// <summary>The folder, in an epoch's.</summary>
    public const string Folder = "pictures";

    /// <summary>The name of the index.</summary>
    public const string IndexFile = "index.json";

    /// <summary>Draws a validation's pictures.</summary>
    /// <param name="drawing">Draws samples.</param>
    /// <param name="task">What they are.</param>
    /// <param name="model">The network, which is in training mode again afterwards where it was before.</param>
    /// <param name="dataset">The validation split.</param>
    /// <param name="result">What the network scored there.</param>
    /// <param name="epoch">The epoch, from 0.</param>
    /// <param name="most">The most pictures; of samples that are tiles, the most images.</param>
    /// <param name="stopping">Ends it with <see cref="OperationCanceledException"/>.</param>
    public static ValidationPictures Draw(
        SampleDrawing drawing, ITrainingTask task, nn.Module model, IDataset dataset, EvaluationResult result, int epoch, int most, CancellationToken stopping)
    {
        // Only what was scored: a sample that can't be loaded is reported there.
        Dictionary<string, SampleResult> scored = new(StringComparer.Ordinal);
        foreach (SampleResult sample in result.Samples)
            scored.TryAdd(sample.Name, sample);
        (int Index, string Name, PicturePlace Place)[][] all =
        [
            .. Enumerable.Range(0, dataset.Count).Select(index => (Index: index, Name: dataset.NameOf(index))).Where(sample => scored.ContainsKey(sample.Name))
                .Select(sample => (sample.Index, sample.Name, Place: task.PlaceOf(sample.Name))).GroupBy(sample => sample.Place.Picture, StringComparer.Ordinal).Select(picture => picture.ToArray()),
        ];
        int count = Math.Min(most, all.Length);
        (int Index, string Name, PicturePlace Place)[][] chosen = [.. Enumerable.Range(0, count).Select(number => all[(int)((long)number * all.Length / count)])];

        List<PictureEntry> entries = [];
        List<(string, byte[])> files = [];
        bool wasTraining = model.training;
        model.eval();
        try
        {
            using IEnumerator<(int Place, IReadOnlyList<SamplePicture> Pictures)> drawn =
                drawing.Of(model, dataset, [.. chosen.SelectMany(picture => picture.Select(sample => sample.Index))], stopping).GetEnumerator();
            foreach ((int Index, string Name, PicturePlace Place)[] picture in chosen)
            {
                List<(PicturePlace Place, IReadOnlyList<SamplePicture> Pictures)> tiles = [];
                foreach ((_, _, PicturePlace place) in picture)
                {
                    if (drawn.MoveNext())
                        tiles.Add((place, drawn.Current.Pictures));
                }

                if (tiles.Count < picture.Length)
                    break;
                Dictionary<string, string> named = [];
                foreach (SamplePicture one in Joined(tiles))
                {
                    string file = string.Create(CultureInfo.InvariantCulture, $"{entries.Count:000}-{one.Name}.png");
                    using MemoryStream png = new();
                    PngWriter.Write(png, one.Image);
                    files.Add((file, png.ToArray()));
                    named.Add(one.Name, file);
                }

                entries.Add(new PictureEntry(picture[0].Place.Picture, task.Aggregate(picture.Select(sample => scored[sample.Name])).Named, named));
            }
        }
        finally
        {
            model.train(wasTraining);
        }

        return new ValidationPictures(new PictureIndex(epoch, result.Split, entries), files);
    }

    /// <summary>Writes them into an epoch's folder.</summary>
    /// <exception cref="IOException">The disk refuses.</exception>
    public void Write(string epochFolder)
    {
        string folder = Directory.CreateDirectory(Path.Combine(epochFolder, Folder)).FullName;
        foreach ((string name, byte[] content) in Files)
            DurableFile.Write(Path.Combine(folder, name), content);
        DurableFile.Write(Path.Combine(folder, IndexFile), JsonSerializer.SerializeToUtf8Bytes(Index, CheckpointJson.Options));
    }

    // Tiles of one image become that image; where they lie on each other, the later one is seen.
    private static IEnumerable<SamplePicture> Joined(List<(PicturePlace Place, IReadOnlyList<SamplePicture> Pictures)> tiles)
    {
        if (tiles is [(_, var alone)])
            return alone;
        return tiles[0].Pictures.Select((first, number) =>
        {
            ImageBuffer whole = new();
            whole.SetSize(
                tiles.Max(tile => tile.Place.X + tile.Pictures[number].Image.Width), tiles.Max(tile => tile.Place.Y + tile.Pictures[number].Image.Height), first.Image.Channels);
            foreach ((PicturePlace place, IReadOnlyList<SamplePicture> pictures) in tiles)
                SamplePicture.Paste(pictures[number].Image, whole, place.X, place.Y);
            return first with { Image = whole };
        });
    }
}

/// <summary>What pictures an epoch has.</summary>
/// <param name="Epoch">The epoch, from 0.</param>
/// <param name="Split">The split that the samples are of.</param>
/// <param name="Samples">The samples, or whole images of which samples are tiles.</param>
internal sealed record PictureIndex(int Epoch, string Split, IReadOnlyList<PictureEntry> Samples);

/// <summary>The pictures of a sample.</summary>
/// <param name="Name">The sample's name, or that of the image of which samples are tiles.</param>
/// <param name="Scores">Its scores in this epoch, by name.</param>
/// <param name="Pictures">The PNG's file name by what it shows: input (input1 and input2 of two), truth, prediction, score.</param>
internal sealed record PictureEntry(string Name, IReadOnlyDictionary<string, double> Scores, IReadOnlyDictionary<string, string> Pictures);
