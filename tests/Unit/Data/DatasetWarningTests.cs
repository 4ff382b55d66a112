using RobustTrain.Data;

namespace RobustTrain.Tests.Data;

public sealed class DatasetWarningTests
{
    [Theory]
    [InlineData(1, "Left out (1 file: '/a1').")]
    [InlineData(3, "Left out (3 files: '/a1', '/a2', '/a3').")]
    [InlineData(5, "Left out (5 files: '/a1', '/a2', '/a3', …).")]
    public void It_names_what_is_done_the_count_and_the_first_files(int count, string expected) =>
        Assert.Equal(expected, new DatasetWarning("left_out", "Left out", [.. Enumerable.Range(1, count).Select(number => $"/a{number}")]).Message);

    [Fact]
    public void Splits_that_warn_of_the_same_give_one_warning_and_count_each_file_once()
    {
        IReadOnlyList<DatasetWarning> merged = DatasetWarning.Merge(
        [
            new DatasetWarning("turned", "Turned", ["/a", "/b"]),
            new DatasetWarning("left_out", "Left out", ["/c"]),
            new DatasetWarning("turned", "Turned", ["/b", "/d"]),
        ]);
        Assert.Equal([("turned", 3), ("left_out", 1)], merged.Select(warning => (warning.Kind, warning.Count)));
        Assert.Equal(["/a", "/b", "/d"], merged[0].Files);
    }
}
