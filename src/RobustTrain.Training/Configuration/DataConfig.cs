using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using RobustTrain.Configuration;
using RobustTrain.Data.Augmentation;
using RobustTrain.Data.Degradation;
using RobustTrain.Data.Imaging;
using RobustTrain.Runs;

namespace RobustTrain.Training.Configuration;

/// <summary>The dataset, its splits and its augmentation.</summary>
public sealed record DataConfig
{
    [Description("The layout on disk: air-change (SZTAKI AirChange: Szada/1..7, Tiszadob/1..5) or change-pairs (folders A, B, label, or these three in each of the folders train, val, test); segmentation: images-labels (folders images and labels, or these two in each of train, val, test); classification: image-folders (a folder for each class, or these in each of train, val, test); super-resolution: paired-images (folders gt, the ground truth, and lq, low quality, in each of train, val, test).")]
    [DatasetName]
    [NameOfPlugin]
    public string Dataset { get; init; } = "air-change";

    [Description("The folder of the dataset; a relative one starts at the current directory.")]
    [Required]
    [ConfigurationPath]
    public string Path { get; init; } = "";

    [Description("air-change: scenes, as Szada/7, whose L-shaped training area is kept for validation instead of training.")]
    public IReadOnlyList<string> ValidationScenes { get; init; } = ["Szada/7", "Tiszadob/5"];

    [Description("Named validation sets, each with scores of its own beside those of all, as NAME/f1. air-change: each lists scenes, in place of validation_scenes; change-pairs, images-labels: each lists list files, in place of lists.val; image-folders: each lists list files of images of the validation split. null makes no sets.")]
    [RegularExpression("[A-Za-z0-9][A-Za-z0-9_-]*", ErrorMessage = "of Latin letters, digits, _ and -, a letter or digit first")]
    public IReadOnlyDictionary<string, IReadOnlyList<string>>? ValidationSets { get; init; }

    [Description("change-pairs, images-labels: text files, relative to path, with an image of A or images on each line, by its file name or by that without extension, with its folder or without, for each split. Without them the folders train, val and test or the names' prefixes train_, val_ and test_ decide. paired-images: the same of the folder gt; a size in brackets may follow.")]
    [ConfigurationAlias("meta_info")]
    public SplitListsConfig Lists { get; init; } = new();

    [Description("Side of a training sample in pixels; null takes whole images (change-pairs, images-labels, paired-images). super-resolution: of the ground truth.")]
    [Range(16, 8192)]
    [ConfigurationAlias("gt_size")]
    public int? CropSize { get; init; } = 112;

    [Description("Share of the training crops that are drawn around a changed pixel (oversampling of the foreground); the others come from everywhere, as do those of pairs without change.")]
    [Range(0.0, 1.0)]
    public double ChangedCropShare { get; init; }

    [Description("air-change: side in pixels that crops are resized to; the test crop is resized by the same factor. null keeps them.")]
    [Range(16, 8192)]
    public int? SampleSize { get; init; }

    [Description("What a label with a palette (PNG, BMP) holds: greys takes its palette's greys, and refuses a palette of colours; indices takes the colours' numbers as the classes, as in Pascal VOC.")]
    [AllowedValues("greys", "indices")]
    public string LabelPalette { get; init; } = "greys";

    [Description("Whether images are turned by their EXIF orientation, scaled from 16 bits to 8, freed of alpha and made RGB from CMYK, each kind with a warning; false refuses such images.")]
    public bool ConvertImages { get; init; } = true;

    [Description("Augmentation of training samples; geometry is applied to both images and the label alike.")]
    public AugmentationOptions Augmentation { get; init; } = new() { Rotate = true, HorizontalFlip = 0.5, VerticalFlip = 0.5 };

    [Description("Mean of each channel, of values in 0..1, that normalisation subtracts.")]
    public IReadOnlyList<double> Mean { get; init; } = [0.485, 0.456, 0.406];

    [Description("Standard deviation of each channel that normalisation divides by.")]
    public IReadOnlyList<double> Std { get; init; } = [0.229, 0.224, 0.225];

    [Description("How many times an epoch goes through the training samples.")]
    [Range(1, 1_000_000)]
    [ConfigurationAlias("dataset_enlarge_ratio")]
    public int EnlargeRatio { get; init; } = 1;

    [Description("classification: side in pixels of a sample. Training brings a random square of the image to it (smallest_crop_area), evaluation the largest square in its middle.")]
    [Range(16, 8192)]
    public int ImageSize { get; init; } = 224;

    [Description("classification: the least share of the largest square's area that a training sample shows; 1 takes the largest square, at a random place.")]
    [Range(0.01, 1.0)]
    public double SmallestCropArea { get; init; } = 1.0;

    [Description("classification: the share of each class's training images that validates where there is no folder val.")]
    [Range(0.001, 0.5)]
    public double ValShare { get; init; } = 0.1;

    [Description("classification: the share of each class's training images that tests where there is no folder test.")]
    [Range(0.001, 0.45)]
    public double TestShare { get; init; } = 0.1;

    [Description("classification: chooses the images of val_share and test_share, by their names.")]
    [Range(0, long.MaxValue)]
    public long SplitSeed { get; init; }

    [Description("super-resolution: folders of the ground truth, relative to path; a split without one has train/gt, val/gt or test/gt, or gt where data.lists has its list.")]
    [ConfigurationAlias("dataroot_gt")]
    public SplitFoldersConfig GtFolders { get; init; } = new();

    [Description("super-resolution: folders of the low-quality images, likewise with lq; they are made where there is no folder.")]
    [ConfigurationAlias("dataroot_lq")]
    public SplitFoldersConfig LqFolders { get; init; } = new();

    [Description("super-resolution: name of a low-quality image without extension, where {} stands for that of its ground truth, as in {}x4.")]
    [RegularExpression(@"[^{}/\\]*\{\}[^{}/\\]*", ErrorMessage = "a name with {} in it, as {}x4")]
    public string FilenameTmpl { get; init; } = "{}";

    [Description("super-resolution: side of the tiles of the ground truth that images of validation and test are cut into; null takes them whole, so that those of a split have to be of one size.")]
    [Range(16, 8192)]
    public int? TileSize { get; init; }

    [Description("super-resolution: how low-quality images are made of the ground truth.")]
    public DegradationOptions Degradation { get; init; } = new();

    [Description("super-resolution: whether the ground truth of training is sharpened by an unsharp mask, as Real-ESRGAN's published options have it; first-order and second-order make the low-quality image of the sharpened one. Validation and test are not sharpened.")]
    public bool GtUsm { get; init; }

    [Description("Where decoded images are kept, so that each is decoded once and not once an epoch; samples are the same. air-change keeps its scenes by itself.")]
    public CacheConfig Cache { get; init; } = new();
}

/// <summary>Where decoded images are kept.</summary>
public sealed record CacheConfig
{
    [Description("The share of this machine's memory, or of the limit that its container has, in which decoded images are kept, those that are not used any more going first; 0 keeps none. For thread workers.")]
    [Range(0.0, 0.9)]
    [FreeOnResume]
    public double MemoryShare { get; init; }

    [Description("A folder in which decoded images are kept, uncompressed, for workers of both kinds and for later runs; null keeps none. A file that changes is decoded anew. What is damaged is replaced, and a full disk ends the keeping with a warning. The folder may be deleted at any time between runs. A relative path starts at the current directory.")]
    [ConfigurationPath]
    [FreeOnResume]
    public string? Path { get; init; }

    /// <summary>Whether anything is kept.</summary>
    internal bool IsUsed => MemoryShare > 0 || Path is not null;

    /// <summary>Makes the cache; null where none is asked for.</summary>
    /// <exception cref="RunException">The path is a file.</exception>
    internal ImageCache? Open()
    {
        if (!IsUsed)
            return null;
        if (File.Exists(Path))
            throw new RunException(ExitCode.Configuration, "CachePathIsFile", $"data.cache.path is '{Path}', which is a file; a folder is expected.", "data.cache.path");
        return new ImageCache(Path is null ? null : System.IO.Path.GetFullPath(Path), (long)(MemoryShare * GC.GetGCMemoryInfo().TotalAvailableMemoryBytes));
    }
}

/// <summary>Folders by split.</summary>
public sealed record SplitFoldersConfig
{
    [Description("Folder of the training split.")]
    public string? Train { get; init; }

    [Description("Folder of the validation split.")]
    public string? Val { get; init; }

    [Description("Folder of the test split.")]
    public string? Test { get; init; }
}

/// <summary>Text files that list the file names of each split.</summary>
public sealed record SplitListsConfig
{
    [Description("List file of the training split.")]
    public string? Train { get; init; }

    [Description("List file of the validation split.")]
    public string? Val { get; init; }

    [Description("List file of the test split.")]
    public string? Test { get; init; }
}
