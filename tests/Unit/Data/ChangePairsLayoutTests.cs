using System.Diagnostics;
using RobustTrain.Data;
using RobustTrain.Data.Datasets;
using RobustTrain.Data.Datasets.AirChange;
using RobustTrain.Data.Datasets.ChangePairs;
using RobustTrain.Data.Datasets.ImageFolder;

namespace RobustTrain.Tests.Data;

/// <summary>Which files of a folder of pairs belong to which split, and that no file is left out in silence.</summary>
public sealed class ChangePairsLayoutTests : IDisposable
{
    private static readonly string[] s_sides = ["A", "B", "label"];

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Where_every_file_is_used_there_is_no_warning()
    {
        Write("", "train_1", "val_1", "test_1");
        Assert.Empty(Open(Options()).Warnings);
    }

    [Fact]
    public void Files_that_no_sample_uses_are_counted_and_named_with_the_reason_in_one_warning_each()
    {
        Write("", "train_1", "val_1", "test_1", "other");
        foreach (string side in s_sides)
            _folder.Write($"{side}/train_2.tif", [1]);
        _folder.Write("A/train_3.webp", [1]);
        _folder.Write("train_4.bmp", [1]);
        Assert.Equal(
            [
                $"Files of another format than PNG, JPEG and BMP are not used (4 files: {Named("A/train_2.tif", "A/train_3.webp", "B/train_2.tif")}, …).",
                $"Images whose names begin with none of train_, val_ and test_ are not used (3 files: {Named("A/other.bmp", "B/other.bmp", "label/other.bmp")}).",
                $"Images beside the folders A, B and label are not used (1 file: {Named("train_4.bmp")}).",
            ],
            Open(Options()).Warnings.Select(warning => warning.Message));
    }

    [Fact]
    public void Every_split_says_the_same_of_the_folder()
    {
        Write("", "train_1", "val_1", "test_1", "other");
        IEnumerable<DatasetWarning> warnings = Enum.GetValues<DatasetSplit>().SelectMany(split => Open(Options() with { Split = split }).Warnings);
        Assert.Equal(3, Assert.Single(DatasetWarning.Merge(warnings)).Count);
    }

    [Fact]
    public void Hidden_files_and_those_of_file_managers_are_neither_used_nor_named()
    {
        Write("", "train_1");
        foreach (string side in s_sides)
        {
            foreach (string name in (string[])[".DS_Store", "._train_1.bmp", "Thumbs.db", "desktop.ini", ".ipynb_checkpoints/train_1-checkpoint.bmp"])
                _folder.Write($"{side}/{name}", [1]);
        }

        ChangePairsDataset dataset = Open(Options());
        Assert.Equal(["train_1"], NamesOf(dataset));
        Assert.Empty(dataset.Warnings);
    }

    [Fact]
    public void Each_split_may_have_a_folder_of_its_own()
    {
        Write("train/", "a", "b");
        Write("val/", "c");
        Write("test/", "d");
        Assert.Equal(["a", "b"], NamesOf(Open(Options())));
        Assert.Equal(["c"], NamesOf(Open(Options() with { Split = DatasetSplit.Val })));
        Assert.Equal(["d"], NamesOf(Open(Options() with { Split = DatasetSplit.Test })));
        Assert.Empty(Open(Options()).Warnings);
    }

    [Fact]
    public void Pairs_of_two_splits_are_counted_and_named_in_one_warning()
    {
        Write("", "a", "b", "c", "d", "e", "f");
        _folder.Write("train.txt", "a\nb\nc\n"u8.ToArray());
        _folder.Write("val.txt", "d\n"u8.ToArray());
        _folder.Write("test.txt", "b.bmp\nA/c\nd\ne\nf\n"u8.ToArray());
        ChangePairsOptions options = Options() with { TrainList = "train.txt", ValList = "val.txt", TestList = "test.txt" };
        Assert.Equal(
            [
                "Pairs of the test split are in the train split, too, so that it scores what the network was trained on (2 pairs: 'b', 'c').",
                "Pairs of the test split are in the val split, too, so that it scores what the network was chosen by (1 pair: 'd').",
            ],
            DatasetWarning.Merge(Enum.GetValues<DatasetSplit>().SelectMany(split => Open(options with { Split = split }).Warnings)).Select(warning => warning.Message));
        Assert.Equal(
            "Pairs of the val split are in the train split, too, so that it scores what the network was trained on (3 pairs: 'a', 'b', 'c').",
            Open(options with { ValList = "train.txt" }).Warnings.First(warning => warning.Kind == "shared_pairs").Message);
    }

    [Fact]
    public void A_folder_that_another_dataset_reads_is_refused_with_its_name()
    {
        _folder.Write("scenes/Szada/1/im1.bmp", [1]);
        _folder.Write("pairs/train/A/x.bmp", [1]);
        Assert.EndsWith("with these three in each; Szada and Tiszadob are read by the dataset air-change.", FailureOf(Options() with { Path = _folder.At("scenes") }), StringComparison.Ordinal);
        Assert.EndsWith("with these three in each; Szada and Tiszadob are read by the dataset air-change.", FailureOf(Options()), StringComparison.Ordinal);
        string refusal = Assert.Throws<DatasetException>(() => new AirChangeDataset(new AirChangeOptions { Path = _folder.At("pairs"), Split = DatasetSplit.Train })).Message;
        Assert.EndsWith("expected Szada and Tiszadob; A, B and label are read by the dataset change-pairs.", refusal, StringComparison.Ordinal);
    }

    [Fact]
    public void A_folder_of_pairs_that_is_no_split_is_named()
    {
        Write("train/", "a");
        Write("valid/", "b");
        Assert.Empty(NamesOf(Open(Options() with { Split = DatasetSplit.Val })));
        IsWarnedOf("stray_images", "valid/A/b.bmp", "valid/B/b.bmp", "valid/label/b.bmp");
    }

    [Fact]
    public void Folders_of_splits_beside_A_are_named_and_not_taken()
    {
        Write("", "train_1");
        Write("train/", "a");
        Assert.Equal(["train_1"], NamesOf(Open(Options())));
        IsWarnedOf("stray_images", "train/A/a.bmp", "train/B/a.bmp", "train/label/a.bmp");
    }

    [Fact]
    public void A_split_folder_that_lacks_one_of_the_three_says_so()
    {
        Write("train/", "a");
        Directory.Delete(_folder.At("train/label"), recursive: true);
        Assert.Contains("no folder 'label'", FailureOf(Options()), StringComparison.Ordinal);
    }

    [Fact]
    public void Folders_in_A_B_and_label_are_used_and_may_say_the_split()
    {
        Write("", "train_1");
        foreach (string name in (string[])["sub/train_2", "train/x", "Val/train_y", "sub/other"])
            Write("", name);
        Assert.Equal(["sub/train_2", "train/x", "train_1"], NamesOf(Open(Options())));
        Assert.Equal(["Val/train_y"], NamesOf(Open(Options() with { Split = DatasetSplit.Val })));
        IsWarnedOf("unused_images", "A/sub/other.bmp", "B/sub/other.bmp", "label/sub/other.bmp");
    }

    [Theory]
    [InlineData("tile.0012")]
    [InlineData("tile.0012.bmp")]
    [InlineData("tile.0012.png")]
    [InlineData("A/tile.0012.bmp")]
    [InlineData("./A/tile.0012")]
    [InlineData("A\\tile.0012.bmp")]
    [InlineData("/somewhere/else/A/tile.0012.bmp")]
    public void A_line_of_a_list_names_an_image_by_its_stem_or_name_with_or_without_a_folder(string line)
    {
        Write("", "tile.0012", "tile");
        Assert.Equal(["tile.0012"], NamesOf(Open(Listed(line))));
    }

    [Fact]
    public void A_dot_in_a_line_is_no_extension()
    {
        Write("", "scene", "scene.2024", "scene.2023.bmp");
        Assert.Equal(["scene.2024", "scene.2023.bmp", "scene"], NamesOf(Open(Listed("scene.2024", "scene.2023.bmp", "scene"))));
        Assert.Contains("'scene.2025', line 1, but the folder 'A' has no such image", FailureOf(Listed("scene.2025")), StringComparison.Ordinal);
    }

    [Fact]
    public void A_line_that_is_a_file_name_is_never_the_stem_of_another()
    {
        Write("", "x", "x.bmp");
        Assert.Equal(["x"], NamesOf(Open(Listed("x.bmp"))));
        Assert.Equal(["x.bmp"], NamesOf(Open(Listed("x.bmp.bmp"))));
    }

    [Fact]
    public void A_line_may_leave_out_the_folder_of_an_image_where_only_one_has_its_name()
    {
        Write("", "one/a", "one/b", "two/b");
        Assert.Equal(["one/a", "two/b"], NamesOf(Open(Listed("a.bmp", "two/b.bmp"))));
        Assert.Contains("has it 2 times, as 'one/b' and 'two/b'", FailureOf(Listed("b")), StringComparison.Ordinal);
    }

    [Fact]
    public void A_line_that_names_a_file_of_another_format_says_so()
    {
        Write("", "x");
        _folder.Write("A/y.tif", [1]);
        Assert.Contains("no such image, but 'y.tif', of another format than PNG, JPEG and BMP", FailureOf(Listed("y")), StringComparison.Ordinal);
        Assert.Contains("'y.tif'", FailureOf(Listed("y.tif")), StringComparison.Ordinal);
    }

    [Fact]
    public void Images_in_no_list_are_named_whichever_split_is_opened()
    {
        Write("", "a", "b", "c", "train_d");
        ChangePairsOptions options = Listed("a") with { ValList = "val.txt", TestList = "missing.txt" };
        File.WriteAllText(_folder.At("val.txt"), "b\n");
        DatasetWarning warning = Assert.Single(Open(options).Warnings);
        Assert.Equal(6, warning.Count);
        Assert.StartsWith("Images that are in no list are not used", warning.Message, StringComparison.Ordinal);
        Assert.Equal(_folder.At("A/c.bmp"), warning.Files[0]);
    }

    [Fact]
    public void Lists_work_in_folders_of_splits()
    {
        Write("train/", "a", "b");
        Assert.Equal(["b"], NamesOf(Open(Listed("train/A/b.bmp"))));
        Assert.Equal(_folder.At("train/A/a.bmp"), Assert.Single(Open(Listed("b")).Warnings).Files[0]);
        File.WriteAllText(_folder.At("val.txt"), "b\n");
        Assert.Contains("no folder 'val'", FailureOf(Listed("b") with { Split = DatasetSplit.Val, ValList = "val.txt" }), StringComparison.Ordinal);
    }

    [Fact]
    public void A_list_with_a_byte_order_mark_is_read()
    {
        Write("", "a");
        File.WriteAllText(_folder.At("list.txt"), "a.bmp\r\n", new System.Text.UTF8Encoding(encoderShouldEmitUTF8Identifier: true));
        Assert.Equal(["a"], NamesOf(Open(Options() with { TrainList = "list.txt" })));
    }

    [Fact]
    public void Every_missing_partner_and_every_broken_file_is_a_fault_of_its_own()
    {
        Write("", "train_1", "train_2", "train_3");
        File.Delete(_folder.At("B/train_1.bmp"));
        File.Delete(_folder.At("label/train_3.bmp"));
        DatasetException missing = Assert.Throws<DatasetException>(() => Open(Options()));
        Assert.Equal([_folder.At("B/train_1"), _folder.At("label/train_3")], missing.Faults.Select(fault => fault.Path));
        Assert.Contains($"There is 1 more fault, in '{_folder.At("label/train_3")}'.", missing.Message, StringComparison.Ordinal);

        Write("", "train_1", "train_3");
        string[] broken = [_folder.Write("A/train_1.bmp", [1, 2]), _folder.Write("label/train_2.bmp", []), _folder.Write("B/train_3.bmp", TestImage.Coordinates(5, 5, 3))];
        DatasetException bad = Assert.Throws<DatasetException>(() => Open(Options()));
        Assert.Equal(broken, bad.Faults.Select(fault => fault.Path));
        Assert.All(bad.Faults, fault => Assert.Contains(fault.Path, fault.Message, StringComparison.Ordinal));
    }

    [Fact]
    public void A_crop_is_checked_against_every_image_and_not_only_where_all_have_one_size()
    {
        Write("", "train_1");
        _folder.Write("A/train_2.bmp", TestImage.Coordinates(9, 9, 3));
        _folder.Write("B/train_2.bmp", TestImage.Coordinates(9, 9, 3));
        _folder.Write("label/train_2.bmp", TestImage.Grey(9, 9, (_, _) => 0));
        Assert.Contains("train_2.bmp' is 9x9 pixels, smaller than the crop of 16", FailureOf(Options() with { CropSize = 16 }), StringComparison.Ordinal);
    }

    [LinuxFact("Wine shows a link to a folder as that folder.")]
    public void A_folder_that_links_back_to_itself_is_refused()
    {
        Write("", "train_1");
        Directory.CreateSymbolicLink(_folder.At("A/again"), _folder.At("A"));
        Assert.Contains("is a link to", FailureOf(Options()), StringComparison.Ordinal);
    }

    [PipeFact]
    public void A_pipe_in_the_folder_hangs_nothing()
    {
        Write("", "train_1");
        MakePipe("A/note.txt");
        IsWarnedOf("other_formats", "A/note.txt");
        MakePipe("list.txt");
        Assert.Contains("is a pipe and not a file", FailureOf(Options() with { TrainList = "list.txt" }), StringComparison.Ordinal);
        File.Delete(_folder.At("B/train_1.bmp"));
        MakePipe("B/train_1.bmp");
        Assert.Contains("B/train_1.bmp' is a pipe and not a file", FailureOf(Options()), StringComparison.Ordinal);
    }

    [Fact]
    public void A_folder_of_images_reads_those_in_folders_too_and_names_what_it_cannot_read()
    {
        foreach (string name in (string[])["b.bmp", "a/c.bmp", ".hidden.bmp", "Thumbs.db"])
            _folder.Write(name, TestImage.Coordinates(9, 9, 3));
        Assert.Empty(OpenImages().Warnings);
        _folder.Write("d.gif", [1]);
        ImageFolderDataset dataset = OpenImages();
        Assert.Equal([Path.Combine("a", "c.bmp"), "b.bmp"], Enumerable.Range(0, dataset.Count).Select(dataset.NameOf));
        Assert.Equal($"Files of another format than PNG, JPEG and BMP are not used (1 file: {Named("d.gif")}).", Assert.Single(dataset.Warnings).Message);
    }

    private string Named(params string[] files) => string.Join(", ", files.Select(file => $"'{_folder.At(file)}'"));

    private void IsWarnedOf(string kind, params string[] files)
    {
        DatasetWarning warning = Assert.Single(Open(Options()).Warnings);
        Assert.Equal(kind, warning.Kind);
        Assert.Equal(files.Select(name => _folder.At(name)), warning.Files);
    }

    private static string[] NamesOf(ChangePairsDataset dataset) => [.. Enumerable.Range(0, dataset.Count).Select(dataset.NameOf)];

    private static ChangePairsDataset Open(ChangePairsOptions options)
    {
        using ChangePairsDataset dataset = new(options);
        return dataset;
    }

    private static string FailureOf(ChangePairsOptions options) => Assert.Throws<DatasetException>(() => Open(options)).Message;

    private ImageFolderDataset OpenImages()
    {
        using ImageFolderDataset dataset = new(new ImageFolderOptions { Path = _folder.Path, CropSize = 8 });
        return dataset;
    }

    private ChangePairsOptions Options() => new() { Path = _folder.Path, Split = DatasetSplit.Train };

    private ChangePairsOptions Listed(params string[] lines)
    {
        File.WriteAllLines(_folder.At("train.txt"), lines);
        return Options() with { TrainList = "train.txt" };
    }

    private void MakePipe(string name)
    {
        using Process process = Process.Start("mkfifo", [_folder.At(name)]);
        process.WaitForExit();
        Assert.Equal(0, process.ExitCode);
    }

    private void Write(string prefix, params string[] names)
    {
        foreach (string name in names)
        {
            _folder.Write($"{prefix}A/{name}.bmp", TestImage.Coordinates(20, 16, 10));
            _folder.Write($"{prefix}B/{name}.bmp", TestImage.Coordinates(20, 16, 200));
            _folder.Write($"{prefix}label/{name}.bmp", TestImage.Grey(20, 16, (x, y) => x > y ? 255 : 0));
        }
    }
}
