namespace RobustTrain.Runs;

/// <summary>Finds the commit that is checked out around a folder, from git's files, since git may not be installed.</summary>
public static class GitCommit
{
    /// <summary>The commit's hash, or null where the folder lies in no repository or the branch has no commit.</summary>
    public static string? Of(string folder)
    {
        for (DirectoryInfo? at = new(folder); at is not null; at = at.Parent)
        {
            string dotGit = Path.Combine(at.FullName, ".git");
            if (Directory.Exists(dotGit))
                return Head(dotGit);
            if (File.Exists(dotGit))
                return LinkedFolder(dotGit) is { } linked ? Head(linked) : null;
        }

        return null;
    }

    // gitrepository-layout(5): in a linked worktree and in a submodule ".git" is a file "gitdir: <path>".
    private static string? LinkedFolder(string dotGit)
    {
        const string prefix = "gitdir:";
        string text = File.ReadAllText(dotGit).Trim();
        return text.StartsWith(prefix, StringComparison.Ordinal)
            ? Path.GetFullPath(text[prefix.Length..].Trim(), Path.GetDirectoryName(dotGit)!)
            : null;
    }

    private static string? Head(string gitFolder)
    {
        const string prefix = "ref:";
        string headFile = Path.Combine(gitFolder, "HEAD");
        if (!File.Exists(headFile))
            return null;
        string head = File.ReadAllText(headFile).Trim();
        if (!head.StartsWith(prefix, StringComparison.Ordinal))
            return head;

        string reference = head[prefix.Length..].Trim();
        string commonFile = Path.Combine(gitFolder, "commondir");
        string common = File.Exists(commonFile) ? Path.GetFullPath(File.ReadAllText(commonFile).Trim(), gitFolder) : gitFolder;
        string loose = Path.Combine(common, reference);
        return File.Exists(loose) ? File.ReadAllText(loose).Trim() : Packed(Path.Combine(common, "packed-refs"), reference);
    }

    private static string? Packed(string packedRefs, string reference) =>
        !File.Exists(packedRefs)
            ? null
            : File.ReadLines(packedRefs)
                .Select(line => line.Split(' '))
                .FirstOrDefault(parts => parts.Length == 2 && parts[1] == reference)?[0];
}
