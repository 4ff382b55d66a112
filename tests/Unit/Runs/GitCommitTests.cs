using RobustTrain.Runs;

namespace RobustTrain.Tests.Runs;

public sealed class GitCommitTests : IDisposable
{
    private const string Commit = "0123456789abcdef0123456789abcdef01234567";
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void A_detached_head_names_its_commit()
    {
        Write(".git/HEAD", Commit + "\n");
        Directory.CreateDirectory(_folder.At("deep", "inside"));

        Assert.Equal(Commit, GitCommit.Of(_folder.At("deep", "inside")));
    }

    [Fact]
    public void A_branch_is_followed_to_its_file()
    {
        Write(".git/HEAD", "ref: refs/heads/main\n");
        Write(".git/refs/heads/main", Commit + "\n");

        Assert.Equal(Commit, GitCommit.Of(_folder.Path));
    }

    [Fact]
    public void A_branch_is_found_among_the_packed_ones()
    {
        Write(".git/HEAD", "ref: refs/heads/main\n");
        Write(".git/packed-refs", $"# pack-refs with: peeled\nffff refs/heads/other\n{Commit} refs/heads/main\n");

        Assert.Equal(Commit, GitCommit.Of(_folder.Path));
    }

    [Fact]
    public void A_linked_worktree_is_followed_to_its_repository()
    {
        Write("work/.git", $"gitdir: {_folder.At("repo", ".git", "worktrees", "work")}\n");
        Write("repo/.git/worktrees/work/HEAD", "ref: refs/heads/side\n");
        Write("repo/.git/worktrees/work/commondir", "../..\n");
        Write("repo/.git/refs/heads/side", Commit + "\n");

        Assert.Equal(Commit, GitCommit.Of(_folder.At("work")));
    }

    [Fact]
    public void No_repository_and_no_commit_give_null()
    {
        Assert.Null(GitCommit.Of(_folder.Path));
        Write(".git/HEAD", "ref: refs/heads/main\n");
        Assert.Null(GitCommit.Of(_folder.Path));
    }

    private void Write(string path, string text)
    {
        string full = _folder.At(path.Split('/'));
        Directory.CreateDirectory(Path.GetDirectoryName(full)!);
        File.WriteAllText(full, text);
    }
}
