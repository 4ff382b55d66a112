using RobustTrain.Data.Imaging;

namespace RobustTrain.Data.Datasets;

/// <summary>
/// Reads the headers of a dataset's files when it is opened: refuses what can't be loaded as it is meant, and notes what is converted.
/// </summary>
/// <param name="convertsImages">Whether images that are not upright 8-bit grey or RGB are converted; if not, they are refused.</param>
/// <param name="labelIndices">Whether a label's classes are its palette's indices.</param>
/// <param name="classes">The classes of labels.</param>
internal sealed class HeaderCheck(bool convertsImages = true, bool labelIndices = false, int classes = 2) : IDisposable
{
    private static readonly (ImageConversions Conversion, string Kind, string Text)[] Warned =
    [
        (ImageConversions.Turned, "exif_orientation", "Images are turned by their EXIF orientation, as a viewer shows them"),
        (ImageConversions.ScaledTo8Bits, "depth_16", "Images of 16 bits a channel are scaled to 8"),
        (ImageConversions.AlphaDropped, "alpha_dropped", "The alpha channel of images is dropped"),
        (ImageConversions.CmykToRgb, "cmyk", "CMYK images are made RGB"),
    ];

    private readonly ImageReader _reader = new();
    private readonly List<string>[] _converted = [.. Warned.Select(_ => new List<string>())];

    /// <summary>What is done to the images that were checked.</summary>
    public IReadOnlyList<DatasetWarning> Warnings =>
    [
        .. Warned.Zip(_converted).Where(pair => pair.Second.Count > 0).Select(pair => new DatasetWarning(pair.First.Kind, pair.First.Text, pair.Second)),
    ];

    /// <summary>Checks an image.</summary>
    /// <exception cref="DatasetException">It can't be loaded, or may not be converted.</exception>
    public ImageInfo Image(string file)
    {
        ImageInfo info = Probe(file);
        if (!convertsImages && info.Conversions != ImageConversions.None)
            throw new DatasetException($"The image '{file}' {WhatIsOdd(info)}; data.convert_images is false, so that only upright 8-bit grey or RGB is expected.", file);
        Note(info, file);
        return info;
    }

    /// <summary>Checks a label, whose values have to be class numbers.</summary>
    /// <exception cref="DatasetException">It can't be loaded, or its values are not class numbers.</exception>
    public ImageInfo Label(string file)
    {
        ImageInfo info = Probe(file);
        string? wrong = info switch
        {
            { Depth: 16 } or { IsCmyk: true } => $"{WhatIsOdd(info)}; expected 8-bit grey, since its values are class numbers",
            // A transparent colour of a palette changes no class.
            { HasAlpha: true, IsIndexed: false } => "has an alpha channel; expected 8-bit grey without one, since its values are class numbers",
            { IsIndexed: true, Channels: 3 } when !labelIndices => "has a palette of colours; expected greys, or data.label_palette: indices where the colours' numbers are the classes",
            { IsIndexed: false, Depth: < 8 } when classes > 2 => $"has grey values of {info.Depth} bits, which stand for black to white and not for {classes} classes; expected 8 bits",
            _ when !convertsImages && info.Orientation != ExifOrientation.Upright => $"{WhatIsOdd(info)}; data.convert_images is false, so that only upright labels are expected",
            _ => null,
        };
        if (wrong is not null)
            throw new DatasetException($"The label '{file}' {wrong}.", file);
        if (info.Orientation != ExifOrientation.Upright)
            Note(info with { HasAlpha = false }, file);
        return info;
    }

    /// <summary>Checks the files of a sample; each that can't be loaded is a fault.</summary>
    /// <returns>The images, then the label, with what their headers say; null where one has a fault.</returns>
    public (string File, ImageInfo Info)[]? Read(ILabelledImages sample, List<DatasetFault> faults)
    {
        int before = faults.Count;
        (string File, ImageInfo Info)[] files = [.. sample.Images.Select(file => (file, Try(Image, file))), (sample.Label, Try(Label, sample.Label))];
        return faults.Count == before ? files : null;

        ImageInfo Try(Func<string, ImageInfo> check, string file)
        {
            try
            {
                return check(file);
            }
            catch (DatasetException exception)
            {
                faults.AddRange(exception.Faults);
                return default;
            }
        }
    }

    /// <summary>Notes what is done to an image that is loaded in any case; one that can't be read is named when it is.</summary>
    public void NoteIfReadable(string file)
    {
        try
        {
            Note(_reader.Probe(file), file);
        }
        catch (SampleException)
        {
            // The loader's policy for bad samples says what becomes of it.
        }
    }

    /// <summary>Checks that files which show the same place have one size, and that there is no doubt about which way up each is.</summary>
    /// <returns>Whether that is so; if not, it is a fault.</returns>
    public static bool CheckPartners(ReadOnlySpan<(string File, ImageInfo Info)> partners, List<DatasetFault> faults)
    {
        (string firstFile, ImageInfo first) = partners[0];
        bool isOneOrientation = true;
        bool isOneStoredSize = true;
        foreach ((string file, ImageInfo info) in partners)
        {
            if ((info.Width, info.Height) != (first.Width, first.Height))
                return Refuse($"The image '{file}' is {SizeOf(info)}, but its partner '{firstFile}' is {SizeOf(first)}; expected one size.", file);
            isOneOrientation &= info.Orientation == first.Orientation;
            isOneStoredSize &= info.StoredSize == first.StoredSize;
        }

        // Sizes that agree only once they are turned prove that all are meant as a viewer shows them. Where they agree either way, one
        // that is turned may lie on one that was drawn over the pixels as they are stored.
        if (isOneOrientation || !isOneStoredSize)
            return true;
        foreach ((string file, ImageInfo info) in partners)
        {
            if (info.Orientation != first.Orientation)
                return Refuse($"The image '{file}' has the EXIF orientation {info.Orientation} and its partner '{firstFile}' {first.Orientation}, and nothing tells whether their pixels lie on each other as they are stored or as they are shown; turn the pixels and remove the orientation.", file);
        }

        return true;

        bool Refuse(string message, string file)
        {
            faults.Add(new DatasetFault(message, file));
            return false;
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _reader.Dispose();

    private static string SizeOf(ImageInfo info) =>
        $"{info.Width}x{info.Height} pixels{(info.Orientation == ExifOrientation.Upright ? "" : $" once it is turned by its EXIF orientation {info.Orientation}")}";

    private static string WhatIsOdd(ImageInfo info) => info switch
    {
        { Depth: 16 } => "has 16 bits a channel",
        { HasAlpha: true } => "has an alpha channel",
        { IsCmyk: true } => "has CMYK colours",
        _ => $"is to be turned by its EXIF orientation {info.Orientation}",
    };

    private ImageInfo Probe(string file)
    {
        try
        {
            return _reader.Probe(file);
        }
        catch (SampleException exception)
        {
            throw new DatasetException(exception.Message, exception.Path, exception);
        }
    }

    private void Note(ImageInfo info, string file)
    {
        for (int kind = 0; kind < Warned.Length; kind++)
        {
            if (info.Conversions.HasFlag(Warned[kind].Conversion))
                _converted[kind].Add(file);
        }
    }
}
